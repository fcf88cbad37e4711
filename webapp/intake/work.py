"""What a worker does with an upload.

1. Claim it: one upload at a time is worked on.
2. Put its CSV files beside its documents, by the names of the import format, and file documents that no list
names under their invoices (matching.py).
3. Check: read everything, compare, store nothing. The page shows what would change, and what is wrong.
4. Apply, once a person has pressed for it: the same again, and all of it is stored in one transaction, in
which the upload becomes `applied`, or nothing is.
5. Check the documents that came in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.documents import document_checks, findings
from webapp.extensions import Runtime
from webapp.imports.folder import FILES, Imported, Listener, import_folder
from webapp.imports.problems import ImportRefused, Problems, TooMuchRemoved
from webapp.intake import listing, matching, sets, summary, uploaded_files
from webapp.intake.cancelled import ImportCancelled, ImportInterrupted
from webapp.intake.laying_out import LaidOut, lay_out
from webapp.intake.set_folders import Reporter, SetFolder
from webapp.intake.source_problems import SourceProblems
from webapp.intake.uploaded_files import UploadedTable, tables_of
from webapp.logs import ids
from webapp.store.statuses import ImportState
from webapp.store.types import now
from webapp.store.users import ImportSet
from webapp.translation import N_, _
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SetWork:
    """An upload that this process works on."""

    runtime: Runtime
    worker: WorkerProcess
    row: ImportSet
    folder: SetFolder
    tables: list[UploadedTable]

    @property
    def is_check(self) -> bool:
        """Whether nothing is to be stored."""
        return self.row.state == ImportState.CHECKING


def work(runtime: Runtime, worker: WorkerProcess, set_id: int) -> None:
    """Check or apply this upload, unless another is worked on. What ends the work, also an error of ours, is
    noted: no upload waits for a worker that has given it up."""
    with runtime.database.writing() as session:
        if not sets.claim(session, worker.id, set_id):
            return
        row = sets.found(session, set_id)
    folder = sets.folder_of(runtime.settings.import_folder, row)
    this = SetWork(runtime, worker, row, folder, tables_of(row.files))
    ended: dict[str, Any] = {"state": ImportState.FAILED, "problem": UNEXPECTED}
    with in_language(row.language):
        try:
            ended = _work(this)
        except ImportCancelled as cancelled:
            ended = {"state": ImportState.CANCELLED, "changed_by": str(cancelled)}
        except ImportInterrupted:
            ended = {}
        except (DBAPIError, OSError) as error:
            log.warning("an import cannot go on", extra=ids(set=set_id, error=error))
            ended = {"state": ImportState.FAILED, "problem": _cannot_go_on(error)}
        finally:
            _end(this, ended)


NO_FILES = N_(
    "The worker does not find the files of this upload. Web and workers must have the same "
    "MAILRUN_IMPORT_FOLDER."
)
NOT_KNOWN = N_("Nothing in these files is known as data. Choose below what each file is, then check again.")
UNEXPECTED = N_("An unexpected error ended it; the log of the worker has it. Nothing was stored.")


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """What is found is for the person who uploaded it."""
    with notation.reading(replace(notation.DEFAULT, language=language)):
        yield


def _cannot_go_on(error: Exception) -> str:
    why = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    return _("It could not go on: %(why)s. Nothing was stored. Check it again later.", why=why)


def _work(this: SetWork) -> dict[str, Any]:
    """What becomes of the row."""
    if not this.folder.folder.is_dir():
        return {"state": ImportState.FAILED, "problem": _(NO_FILES)}
    this.folder.begin()
    report = Reporter(this.folder, this.worker)
    found: dict[str, Any] = {"documents": this.row.summary.get("documents", 0)}
    if words := uploaded_files.refusal(this.tables):
        return _refused(found, words)
    with this.runtime.database.reading() as session:
        layout = lay_out(session, this.folder, this.tables)
    found |= _match(this, layout, report)
    if not any((this.folder.folder / name).exists() for name in FILES):
        return _refused(found, _(NOT_KNOWN))
    with summary.noting(this.folder) as notes:
        problems = SourceProblems(notes.error, summary.EACH_ERROR_MAX, this.tables, layout)
        row_told = notes.change if this.is_check else None
        listener = Listener(problems, row_told, _storing(this, layout, found), sets.subject(this.row))
        try:
            done = _import(this, layout, report, listener)
        except ImportRefused as refused:
            if this.is_check or problems.total:
                found |= (
                    {"skippable": problems.skippable()} if problems.total else {"refused": refused.errors}
                )
                return _checked({**found, **summary.of_errors(problems), **_understood(this, layout)})
            return {"state": ImportState.FAILED, "problem": _why(refused)}
    found |= _understood(this, layout)
    if this.is_check:
        return _checked({**found, **summary.of_done(done)})
    with this.runtime.database.writing() as session:
        _note_applied(session, this, found, done)
    _check_documents(this, found, done)
    return {}


def _refused(found: dict[str, Any], words: str) -> dict[str, Any]:
    return _checked({**found, **summary.of_errors(Problems()), "refused": [words]})


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    return {"state": ImportState.CHECKED, "summary": found}


def _understood(this: SetWork, layout: LaidOut) -> dict[str, Any]:
    return summary.of_reading(layout.found, this.tables)


def _import(this: SetWork, layout: LaidOut, report: Reporter, listener: Listener) -> Imported:
    settings = this.runtime.settings
    return import_folder(
        this.runtime.database,
        this.runtime.documents,
        this.folder.folder,
        dry_run=this.is_check,
        report=report,
        bcc_domains=settings.bcc_domains,
        own_services=settings.own_services,
        actor=this.row.changed_by,
        allowed_removals=None if this.is_check else this.row.removals,
        rows_max=summary.ROWS_SHOWN,
        readings=layout.readings,
        listener=listener,
    )


def _match(this: SetWork, layout: LaidOut, report: Reporter) -> dict[str, Any]:
    """File documents under their invoices, unless a list of the upload says where they belong."""
    if matching.LIST in layout.readings or not this.row.summary.get("documents"):
        return {}
    with this.runtime.database.reading() as session:
        matched = matching.match(
            session,
            this.folder,
            layout.readings.get("invoices.csv"),
            listing.transformations(session),
            this.row.documents,
            report,
        )
    return matched.as_json()


def _storing(this: SetWork, layout: LaidOut, found: dict[str, Any]) -> Any:
    """Called in the transaction that stores everything, as its last step."""

    def stored(session: Session, done: Imported) -> None:
        if by := this.folder.cancelled_by():
            raise ImportCancelled(by)
        _note_applied(session, this, {**found, **_understood(this, layout)}, done)

    return stored


def _note_applied(session: Session, this: SetWork, found: dict[str, Any], done: Imported) -> None:
    """Harmless when it is noted already."""
    session.execute(
        update(ImportSet)
        .where(ImportSet.id == this.row.id)
        .values(
            state=ImportState.APPLIED,
            changed_at=now(),
            worker_id=None,
            summary={**found, **summary.of_done(done)},
        )
        .execution_options(synchronize_session=False)
    )


def _why(refused: ImportRefused) -> str:
    if isinstance(refused, TooMuchRemoved):
        return _(
            "More addresses or documents would be taken away by now than the check said, so nothing was "
            "stored. Check again, and look at what would go."
        )
    return str(refused)


def _check_documents(this: SetWork, found: dict[str, Any], done: Imported) -> None:
    """Look whether the documents name their invoices. What is left unchecked, the runs check."""
    words = "transformation results"
    if words not in done.counts or not done.counts[words].changes_anything:
        return
    try:
        checked = document_checks.check(
            this.runtime.database, this.runtime.documents, is_leaving=this.worker.stopping.is_set
        )
    except (OSError, DBAPIError) as error:
        log.warning("documents of an import cannot all be checked", extra=ids(set=this.row.id, error=error))
        return
    with this.runtime.database.writing() as session:
        row = sets.found(session, this.row.id, for_change=True)
        listed = findings.suspects(session, SUSPECTS_SHOWN) if checked.suspect else []
        suspects = [[number, f"{each.file_name} {findings.said(each)}"] for number, each in listed]
        row.summary = {**row.summary, "suspect": checked.suspect, "suspects": suspects}


SUSPECTS_SHOWN = 20


def _end(this: SetWork, ended: dict[str, Any]) -> None:
    """Give the upload back, with what came of it; nothing to note leaves it to the next worker, unless it is
    applied."""

    def give_back(session: Session) -> None:
        row = sets.found(session, this.row.id, for_change=True)
        if row.worker_id != this.worker.id or row.state not in sets.WORKING:
            return
        row.worker_id = None
        for name, value in ended.items():
            setattr(row, name, value)
        if ended:
            row.changed_at = now()
        if ended.get("state") in (ImportState.CANCELLED, ImportState.FAILED):
            audit.note(session, row.changed_by, f"import {row.state}", sets.subject(row), row.problem)

    this.worker.persist(give_back)
