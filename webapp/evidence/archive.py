"""A run's evidence: one ZIP with every result, every attempt with the mail server's reply, and the mails as
they went out."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.csv_export import BYTE_ORDER_MARK, csv_lines
from webapp.document_store.stores import DocumentStore
from webapp.evidence.zip_stream import ZipStream
from webapp.messages.sent_mail import CannotRebuild, rebuilt
from webapp.printable import printable
from webapp.results import export
from webapp.runs import report
from webapp.store.database import Database
from webapp.store.definitions import DefinitionVersion
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt, Result, Run
from webapp.store.types import now
from webapp.store.workers import Worker
from webapp.translation import english

ARCHIVE_BATCH = 200
"""Results read at a time; between two batches no transaction is open."""

ATTEMPT_COLUMNS = (
    *("result", "attempt", "started_at", "ended_at", "worker", "mail_server", "version", "outcome", "stage"),
    *("code", "reply", "detail", "message_id", "recipients", "bcc", "refused", "redirected_to", "size"),
    *("sha256", "mail", "mail_kept_until"),
)
PROBLEM_COLUMNS = ("result", "attempt", "mail", "sha256", "problem")

README = """\
What became of run {id}, "{name}"

Message definition   {definition}
Customer cluster     {cluster}{children}
Invoice period       {period_from} to {period_to}
Created              {created_at} by {created_by}
State                {status}: {counts}
Written              {written} for {viewer}, who sees {seen}

results.csv    every result, also those skipped and removed, with the reasons
attempts.csv   every attempt to hand a mail over: when, by which worker, over which server, what it answered
mails/         each mail byte for byte as it was handed over, as <result>-<attempt>.eml
problems.csv   each mail that is not in mails/, and why
SHA256SUMS     the SHA-256 of every file

Times are in UTC, or have their offset. An outcome of "accepted" means that the mail server took the mail (its
reply is beside it); "unknown" or "sending", that it may have; any other, that it did not. A mail in mails/
is what its attempt handed over, or was about to: what became of it is in attempts.csv.

How to check: "sha256sum -c SHA256SUMS" reads every file. The SHA-256 of a mail is also in attempts.csv: it
was stored before the mail's last byte went out. Compare any copy of the mail with it.
"""


def evidence(database: Database, store: DocumentStore, viewer: Viewer, run: Run) -> Iterator[bytes]:
    """The ZIP, generated as it is read, of what this person may see of the run. Memory holds a batch of
    results, one mail, and half a kilobyte per mail."""
    at = now()
    with database.reading() as session:
        readme = _readme(session, viewer, run, at)
    with tempfile.TemporaryFile() as sums, tempfile.TemporaryFile("w+", newline="") as problems:
        archive = ZipStream(sums)
        yield from archive.add("README.txt", readme.encode(), at)
        yield from archive.add_lines("results.csv", _results(database, viewer, run), at)
        yield from archive.add_lines("attempts.csv", _attempts(database, viewer, run), at)
        yield from _mails(archive, problems, database, store, viewer, run)
        problems.seek(0)
        rows = csv.DictReader(problems, PROBLEM_COLUMNS)
        lines = csv_lines(rows, PROBLEM_COLUMNS)
        yield from archive.add_lines("problems.csv", _marked(lines), at)
        yield from archive.end(at)


def _readme(session: Session, viewer: Viewer, run: Run, at: datetime) -> str:
    shown = report.show(session, run, viewer)
    counts = ", ".join(f"{n} {status}" for status, n in shown["counts"].items() if n) or "no results"
    told = {name: printable(text) if isinstance(text, str) else text for name, text in shown.items()}
    return README.format(
        **{**told, "counts": counts},
        children=" and all below it" if run.include_children else "",
        created_by=run.created_by,
        written=at.isoformat(timespec="seconds"),
        viewer=viewer.name,
        seen="the customers of some clusters only" if viewer.clusters else "all customers",
    )


def _results(database: Database, viewer: Viewer, run: Run) -> Iterator[str]:
    def rows() -> Iterator[dict[str, Any]]:
        last = 0
        while True:
            with database.reading() as session:
                page = export.page(session, _of(viewer, run), last, export.Removals(session, run.id))
            if not page:
                return
            yield from page
            last = page[-1]["id"]

    return _marked(csv_lines(rows(), export.RESULT_COLUMNS))


def _attempts(database: Database, viewer: Viewer, run: Run) -> Iterator[str]:
    query = (
        select(
            *(
                column
                for column in Attempt.__table__.columns
                if column.name not in ("rebuild_data", "transcript")
            ),
            Worker.name.label("worker"),
            MailServer.host,
            MailServer.port,
            DefinitionVersion.number.label("version"),
        )
        .outerjoin(Worker, Worker.id == Attempt.worker_id)
        .join(MailServer, MailServer.id == Attempt.mail_server_id)
        .join(DefinitionVersion, DefinitionVersion.id == Attempt.version_id)
    )
    rows = (
        _attempt(row, name) for page in _pages(database, viewer, run, query) for row, name in _named(page)
    )
    return _marked(csv_lines(rows, ATTEMPT_COLUMNS))


def _attempt(row: Row[Any], name: str) -> dict[str, Any]:
    return {
        **{column: getattr(row, column) for column in ATTEMPT_COLUMNS if column in row._fields},
        "result": row.result_id,
        "attempt": row.number,
        "started_at": row.started_at.isoformat(timespec="microseconds"),
        "ended_at": row.ended_at.isoformat(timespec="microseconds") if row.ended_at else None,
        "mail_server": f"{row.host}:{row.port}",
        "refused": [f"{address}: {words}" for address, words in row.refused.items()],
        "mail": name if row.sha256 else "",
        "mail_kept_until": row.rebuild_data_deleted_at.isoformat(timespec="seconds")
        if row.rebuild_data_deleted_at
        else None,
    }


def _mails(
    archive: ZipStream,
    problems: TextIO,
    database: Database,
    store: DocumentStore,
    viewer: Viewer,
    run: Run,
) -> Iterator[bytes]:
    """Each mail that could be rebuilt, or a line in `problems`."""
    writer = csv.writer(problems)
    query = select(
        Attempt.id,
        Attempt.result_id,
        Attempt.number,
        Attempt.started_at,
        Attempt.sha256,
        Attempt.rebuild_data,
        Attempt.rebuild_data_deleted_at,
    )
    for page in _pages(database, viewer, run, query):
        for row, name in _named(page):
            if not row.sha256:
                continue
            try:
                if row.rebuild_data_deleted_at:
                    raise CannotRebuild(
                        f"the mail itself was kept until {row.rebuild_data_deleted_at:%Y-%m-%d}"
                    )
                with english():  # why it cannot be had is part of the archive
                    mail = rebuilt(row.rebuild_data, row.sha256, store)
            except CannotRebuild as why:
                writer.writerow([row.result_id, row.number, name, row.sha256, why])
            else:
                yield from archive.add(name, mail, row.started_at)


def _pages(
    database: Database, viewer: Viewer, run: Run, query: Select[*tuple[Any, ...]]
) -> Iterator[list[Row[Any]]]:
    """The attempts in batches of results, by result and in the order in which they were made."""
    last = 0
    while True:
        with database.reading() as session:
            ids = session.scalars(
                select(Result.id)
                .where(*_of(viewer, run), Result.id > last)
                .order_by(Result.id)
                .limit(ARCHIVE_BATCH)
            ).all()
            if not ids:
                return
            of_these = query.where(Attempt.result_id.in_(ids)).order_by(Attempt.result_id, Attempt.id)
            rows = list(session.execute(of_these))
        yield rows
        last = ids[-1]


def _of(viewer: Viewer, run: Run) -> list[ColumnElement[bool]]:
    return [Result.run_id == run.id, visible_to(viewer, Result)]


def _named(rows: list[Row[Any]]) -> Iterator[tuple[Row[Any], str]]:
    """Each attempt with the name of its mail: mails/<result>-<attempt>.eml. A number that was used again (its
    first start was undone) gets the attempt's id too."""
    used: set[str] = set()
    for row in rows:
        name = f"mails/{row.result_id}-{row.number}.eml"
        if name in used:
            name = f"mails/{row.result_id}-{row.number}-{row.id}.eml"
        used.add(name)
        yield row, name


def _marked(lines: Iterator[str]) -> Iterator[str]:
    yield BYTE_ORDER_MARK
    yield from lines
