"""The folder of an upload: its files, how far its work is, and whether a person has cancelled it.

Progress and Cancel are files, not rows: while an import stores, no one else can write to an SQLite
database."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from webapp.intake.cancelled import ImportCancelled, ImportInterrupted
from webapp.workers import WorkerProcess

TOLD_EVERY_SECONDS = 0.3


@dataclass(frozen=True)
class SetFolder:
    """`csv` has the CSV files as they were uploaded, by number; `folder` everything else, by its path in the
    upload, and for the time of an import the CSV files by the names of the import format."""

    path: Path

    @property
    def csv(self) -> Path:
        return self.path / "csv"

    @property
    def folder(self) -> Path:
        return self.path / "folder"

    @property
    def errors(self) -> Path:
        """Every error of the last check, as CSV."""
        return self.path / "errors.csv"

    @property
    def changes(self) -> Path:
        """Every row that the last check found new, changed or removed, as CSV."""
        return self.path / "changes.csv"

    @property
    def unmatched(self) -> Path:
        """The documents without an invoice, as CSV."""
        return self.path / "unmatched.csv"

    @property
    def progress(self) -> Path:
        return self.path / "progress.json"

    @property
    def cancel_mark(self) -> Path:
        return self.path / "cancel"

    def make(self) -> None:
        """Make the folders; only their owner may read them, since they hold addresses of customers."""
        self.path.mkdir(parents=True, mode=0o700)
        self.csv.mkdir()
        self.folder.mkdir()

    def remove(self) -> None:
        """Delete everything. What is not there is no error."""
        shutil.rmtree(self.path, ignore_errors=True)

    def cancel(self, by: str) -> None:
        """Have the worker that works on this upload stop at its next step."""
        self.cancel_mark.write_text(by, encoding="utf-8")

    def cancelled_by(self) -> str:
        """Who cancelled; empty: no one."""
        try:
            return self.cancel_mark.read_text(encoding="utf-8")
        except OSError:
            return ""

    def begin(self) -> None:
        """Forget the progress of earlier work, and whether that was cancelled."""
        for path in (self.cancel_mark, self.progress):
            path.unlink(missing_ok=True)


def new_folder(root: Path) -> SetFolder:
    """A folder for an upload that has no row yet."""
    made = SetFolder(root / secrets.token_hex(16))
    made.make()
    return made


@dataclass(frozen=True)
class WorkProgress:
    """How far the work on an upload is: the step in words, and the share that is done, from 0 to 1."""

    step: str = ""
    share: float = 0.0

    @property
    def percent(self) -> int:
        return int(self.share * 100)


def progress_of(folder: SetFolder) -> WorkProgress:
    """What the worker told last."""
    try:
        told = json.loads(folder.progress.read_text(encoding="utf-8"))
        return WorkProgress(str(told["step"]), float(told["share"]))
    except (OSError, ValueError, KeyError, TypeError):
        return WorkProgress()


class Reporter:
    """Tells the page how far the work is, and the work that it was cancelled, or that its process ends."""

    def __init__(self, folder: SetFolder, worker: WorkerProcess) -> None:
        self._folder, self._worker = folder, worker
        self._told_at = float("-inf")

    def __call__(self, step: str, share: float) -> None:
        """Raises ImportCancelled and ImportInterrupted."""
        if self._worker.stopping.is_set():
            raise ImportInterrupted
        present = time.monotonic()
        if present - self._told_at < TOLD_EVERY_SECONDS:
            return
        self._told_at = present
        if by := self._folder.cancelled_by():
            raise ImportCancelled(by)
        aside = self._folder.progress.with_suffix(".new")
        with suppress(OSError):  # a full disk keeps no one from importing
            aside.write_text(json.dumps({"step": step, "share": share}), encoding="utf-8")
            os.replace(aside, self._folder.progress)
