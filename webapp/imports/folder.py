"""`import_folder`: everything that a folder says goes into the database, or nothing.

1. Read and check messaging.toml, then the CSV files line by line into temporary tables (no write lock).
2. Check what only all rows together show.
3. Refuse, with every problem, or go on.
4. Compare with what is stored: new, changed, unchanged, removed. What people changed stays unless the source
   says something new (kept.py, kept_sets.py). Refuse to remove too much (removals.py).
5. Put the documents into the store. They are found by their content: no harm is done if step 6 fails.
6. Store what is new and changed, delete what is removed, and index what lists find (touched.py), in one short
   transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp import progress, sealing
from webapp.destinations import Service
from webapp.document_store.stores import DocumentStore
from webapp.file_styles import FOUND_OUT, FileReading, FileStyle
from webapp.imports import messaging, staging
from webapp.imports.changes import RowChange
from webapp.imports.intake import Work, check, read
from webapp.imports.kinds import CHANGED_HERE
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused, Problems, TooMuchRemoved
from webapp.imports.storing import ImportPlan, compare, keep_documents, store
from webapp.progress import ReportProgress
from webapp.store.database import Database, is_passing
from webapp.translation import _

CSV_FILES = ("clusters.csv", "customers.csv", "emails.csv", "invoices.csv", "transformation_results.csv")
FILES = (messaging.FILE, CHANGED_HERE, *CSV_FILES)


ROWS_TOLD = 20
"""Rows of each file and kind (new, changed, removed, kept …) that the command prints."""


@dataclass(frozen=True)
class Imported:
    """What an import did, or, after a dry run, would do: counts by the word for the things, those of the
    folder's files only. `rows` are those that are new, changed, removed or kept. `refusal`: why an import
    would be refused, after a dry run."""

    counts: dict[str, MergeCounts]
    dry_run: bool
    rows: tuple[RowChange, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def changed_anything(self) -> bool:
        """Whether anything was new, different or removed."""
        return any(counts.changes_anything for counts in self.counts.values())


@dataclass
class Listener:
    """What is told of an import. `problems` collects what is wrong; `row_told` is called with every row that
    is new, changed, removed or kept; `stored` with what was done, in the transaction that does it.
    `called`: what the audit trail calls the import; empty: by the name of its folder."""

    problems: Problems = field(default_factory=Problems)
    row_told: Callable[[RowChange], None] | None = None
    stored: Callable[[Session, Imported], None] = lambda session, done: None
    called: str = ""


def import_folder(
    database: Database,
    documents: DocumentStore,
    folder: Path,
    *,
    dry_run: bool = False,
    report: ReportProgress = progress.silent,
    bcc_domains: Sequence[str] = (),
    own_services: Sequence[Service] = (),
    actor: str = "command line",
    allowed_removals: int | None = None,
    rows_max: int | None = ROWS_TOLD,
    style: FileStyle = FOUND_OUT,
    readings: Mapping[str, FileReading] | None = None,
    listener: Listener | None = None,
    locks_tables: bool = False,
) -> Imported:
    """Import the whole folder, or raise ImportRefused with everything that is wrong and change nothing.

    `dry_run` only checks and compares. `style`: how the CSV files are written; `readings`: how some of them
    are, by name. `bcc_domains`: where a Bcc of a definition may go; none: anywhere. `own_services`: where no
    mail server may be, since it is Mailrun itself.
    `allowed_removals`: how many addresses and documents may go; None: a few. `rows_max` limits the rows that
    are told, of each file and kind. `locks_tables`: whether others may wait at a table that the import fills,
    which is quicker (merging.py). Memory is bounded, however large the files are, unless all rows are."""
    files, told = _files(folder), listener or Listener()
    try:
        with staging.opened(database) as stage:
            work = Work(folder, files, stage, report, readings or {}, FileReading(style))
            work.problems, work.called, work.locks_tables = told.problems, told.called, locks_tables
            read(work, bcc_domains, own_services)
            check(work)
            work.problems.refuse()
            plan = compare(work, rows_max, told.row_told)
            objection = plan.objection(allowed_removals)
            if not dry_run:
                plan = _store(work, plan, documents, actor, allowed_removals, told)
            done = replace(_done(work, plan), dry_run=dry_run, refusal=objection)
    except DBAPIError as error:
        if not is_passing(error):
            raise
        raise ImportRefused(
            [_("the database cannot go on: %(orig)s; nothing was imported", orig=error.orig)]
        ) from error
    if not dry_run:
        _seal(database)
    return done


def _store(
    work: Work, plan: ImportPlan, documents: DocumentStore, actor: str, allowed: int | None, told: Listener
) -> ImportPlan:
    if objection := plan.objection(allowed):
        raise TooMuchRemoved([objection])
    keep_documents(work, documents)

    def finish(session: Session, plan: ImportPlan) -> None:
        told.stored(session, _done(work, plan))

    return store(work, plan, actor, allowed, finish)


def _seal(database: Database) -> None:
    with suppress(DBAPIError):  # the workers do it, then
        if sealing.is_due(database):  # a definition takes its password from another field now
            sealing.seal_plain(database)


def _done(work: Work, plan: ImportPlan) -> Imported:
    return Imported(plan.counts, False, tuple(plan.rows), tuple(work.problems.warnings))


def _files(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise ImportRefused([f"{folder}: there is no such folder"])
    files = tuple(name for name in FILES if os.path.lexists(folder / name))
    if not files:
        raise ImportRefused([f"{folder}: there is nothing to import; it has none of {', '.join(FILES)}"])
    for name in files:
        if not (folder / name).is_file():
            raise ImportRefused([f"{name}: is not a file"])
    return files
