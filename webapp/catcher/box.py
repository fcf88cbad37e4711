"""The box of caught mails: a folder with two files a mail, the mail itself and its envelope.

A mail is there once its .eml is there; the envelope (.json) is put in place before. Names sort by arrival."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

MAILS_KEPT = 20_000
"""Number of mails kept, the newest."""

LOCK = "catcher.lock"

MAIL_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Caught:
    """What the list shows of a mail. `at` is an instant in UTC; `bcc` are the envelope's recipients that no
    header names."""

    id: str
    at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    size: int

    @property
    def to(self) -> tuple[str, ...]:
        """The recipients that a header names."""
        return tuple(address for address in self.rcpt_to if address not in self.bcc)

    def holds(self, text: str) -> bool:
        """Whether the subject or a recipient contains the text, whatever the case."""
        wanted = text.casefold()
        return any(wanted in field.casefold() for field in (self.subject, *self.rcpt_to))


class Box:
    """Bytes in, bytes out. One catcher process writes; any number of processes read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = datetime.min.replace(tzinfo=UTC)
        self._known: dict[str, Caught] = {}

    @contextmanager
    def being_filled(self) -> Iterator[None]:
        """Within the block, which is the catcher's, the box counts as open to all processes. It ends with the
        process, however that ends."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.folder / LOCK, "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_being_filled(self) -> bool:
        """Whether a catcher runs."""
        try:
            with open(self.folder / LOCK) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False

    def next_id(self) -> str:
        """A name for a mail that arrives now, later than all before."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return f"{self._last:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"

    def put(self, caught: Caught, content: bytes) -> None:
        """Keeps the mail: it is on the disk when this returns. Raises OSError when the disk is full or
        away."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        envelope = json.dumps({**asdict(caught), "at": caught.at.isoformat()})
        self._write(caught.id, ".json", envelope.encode())
        self._write(caught.id, ".eml", content)
        _sync_folder(self.folder)

    def prune(self, keep: int = MAILS_KEPT) -> None:
        """Removes all but the newest."""
        for id in self.ids()[keep:]:
            for ending in (".eml", ".json"):
                (self.folder / f"{id}{ending}").unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """All mails, newest first."""
        if not self.folder.is_dir():
            return []
        names = [name.removesuffix(".eml") for name in os.listdir(self.folder) if name.endswith(".eml")]
        return sorted((name for name in names if MAIL_ID.fullmatch(name)), reverse=True)

    def page(self, search: str, before: str, size: int) -> list[Caught]:
        """The newest mails that hold the search, older than the one named `before`; at most `size`."""
        found: list[Caught] = []
        for caught in self._newest_first(before):
            if caught.holds(search):
                found.append(caught)
                if len(found) == size:
                    break
        return found

    def summary(self, id: str) -> Caught | None:
        """The envelope of a mail; None if there is no such mail."""
        if MAIL_ID.fullmatch(id) is None:
            return None
        if id not in self._known:
            try:
                told = json.loads((self.folder / f"{id}.json").read_bytes())
            except FileNotFoundError:
                return None
            if len(self._known) > 2 * MAILS_KEPT:
                self._known.clear()
            self._known[id] = _caught(told)
        return self._known[id]

    def content(self, id: str) -> bytes | None:
        """The mail as it came; None if there is no such mail."""
        if MAIL_ID.fullmatch(id) is None:
            return None
        try:
            return (self.folder / f"{id}.eml").read_bytes()
        except FileNotFoundError:
            return None

    def _newest_first(self, before: str) -> Iterator[Caught]:
        for id in self.ids():
            if not before or id < before:
                summary = self.summary(id)
                if summary is not None:
                    yield summary

    def _write(self, id: str, ending: str, content: bytes) -> None:
        aside = self.folder / f".{id}{ending}"
        try:
            with open(aside, "xb", opener=_owner_only) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.folder / f"{id}{ending}")
        finally:
            aside.unlink(missing_ok=True)


def _caught(told: dict[str, object]) -> Caught:
    fields = {**told, "at": datetime.fromisoformat(str(told["at"]))}
    for name in ("rcpt_to", "bcc"):
        fields[name] = tuple(fields[name])  # type: ignore[arg-type]
    return Caught(**fields)  # type: ignore[arg-type]


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
