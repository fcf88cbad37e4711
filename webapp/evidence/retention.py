"""How long mails are kept: after MAILRUN_KEEP_MAILS days the mail itself is deleted; what proves that it went
out (SHA-256, size, reply, times) stays for good."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, tuple_, update
from sqlalchemy.orm import Session

from webapp.bounces import keeping
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.mailing.compose import rebuild
from webapp.store.database import Database
from webapp.store.definitions import DefinitionVersion, TemplateImage
from webapp.store.installation import Installation, held
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Attempt
from webapp.store.types import now

log = logging.getLogger(__name__)

BATCH = 500
MOST_DOCUMENTS = 100_000
"""How many documents are considered at a time."""

AttemptPosition = tuple[datetime, int]
"""An attempt's position in time: when it started, and its id."""


def is_due(runtime: Runtime) -> bool:
    """Whether it is time to look for mails past their time."""
    if not runtime.settings.keep_mails:
        return False
    with runtime.database.reading() as session:
        return session.scalar(select(Installation.number).where(_due(runtime))) is not None


def tidy(runtime: Runtime, leaving: threading.Event) -> int:
    """Delete mails past their time; return how many. One worker does it, once a day.

    1. Take today's turn, in one conditional UPDATE. Not on a copy of a database: the documents are not its
    own.
    2. Read the mails past their time, and collect their documents that no invoice has any more.
    3. Remove from these what a mail that is still kept needs.
    4. Delete the rest from the store. If the store is away, stop: tomorrow everything is done again.
    5. Clear the mails in small commits. The rows of the attempts stay.
    What came back is let go of first: no document belongs to it."""
    with runtime.database.writing() as session:
        if held(session) or not _take_turn(session, runtime):
            return 0
        taken_over_at = session.scalars(select(Installation.taken_over_at)).one()
    before = now() - timedelta(days=runtime.settings.keep_mails)
    with runtime.database.writing() as session:
        keeping.delete_raw(session, before)
    gone = 0
    while not leaving.is_set():
        end, documents = _unneeded(runtime.database, before, taken_over_at, leaving)
        if end is None:
            break
        for digest in documents:
            if leaving.is_set():
                return gone
            runtime.documents.remove(digest)
        gone += _clear(runtime.database, end, leaving)
    if gone:
        log.info("mails were kept for long enough", extra=ids(mails=gone))
    return gone


def _due(runtime: Runtime) -> ColumnElement[bool]:
    last = now() - timedelta(seconds=runtime.settings.tidy_every)
    return or_(Installation.tidied_at.is_(None), Installation.tidied_at < last)


def _take_turn(session: Session, runtime: Runtime) -> bool:
    return bool(
        session.execute(
            update(Installation)
            .where(_due(runtime))
            .values(tidied_at=now())
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
    )


def _unneeded(
    database: Database, before: datetime, taken_over_at: datetime | None, leaving: threading.Event
) -> tuple[AttemptPosition | None, set[str]]:
    """The position up to which mails are deleted now, and the documents that nothing else needs. None: there
    is no such mail, or this process is stopping.

    Documents of mails from before a takeover stay: the system that the copy was made from may use the same
    store."""
    end: AttemptPosition | None = None
    candidates: set[str] = set()
    pictures = pictures_in_use(database)
    for mails in kept_mails(database, None, before):
        if leaving.is_set():
            return None, set()
        mine = [kept for place, kept in mails if taken_over_at is None or place[0] >= taken_over_at]
        digests = {digest for kept in mine for digest in documents_of(kept)}
        candidates |= digests - _of_invoices(database, digests) - pictures
        end = mails[-1][0]
        if len(candidates) >= MOST_DOCUMENTS:
            break
    if end is not None and candidates:
        for mails in kept_mails(database, end, None):
            if leaving.is_set():
                return None, set()
            for _, kept in mails:
                candidates.difference_update(documents_of(kept))
    return end, candidates


def kept_mails(
    database: Database, after: AttemptPosition | None, before: datetime | None
) -> Iterator[list[tuple[AttemptPosition, bytes]]]:
    """The kept mails, oldest first, some hundreds at a time; between two lots no transaction is open."""
    at = tuple_(Attempt.started_at, Attempt.id)
    while True:
        query = select(Attempt.started_at, Attempt.id, Attempt.rebuild_data).where(
            Attempt.rebuild_data.is_not(None)
        )
        if after is not None:
            query = query.where(at > tuple_(*after, types=[Attempt.started_at.type, Attempt.id.type]))
        if before is not None:
            query = query.where(Attempt.started_at < before)
        with database.reading() as session:
            rows = session.execute(query.order_by(Attempt.started_at, Attempt.id).limit(BATCH)).all()
        if not rows:
            return
        after = (rows[-1].started_at, rows[-1].id)
        yield [((row.started_at, row.id), row.rebuild_data) for row in rows]


def _of_invoices(database: Database, digests: set[str]) -> set[str]:
    """Those of these documents that an invoice has today."""
    with database.reading() as session:
        of_invoices = select(TransformationResult.sha256).where(TransformationResult.sha256.in_(digests))
        return set(session.scalars(of_invoices.distinct()))


def pictures_in_use(database: Database) -> set[str]:
    """The pictures of today's templates, and of every version that a run may still send with."""
    with database.reading() as session:
        found = set(session.scalars(select(TemplateImage.sha256)))
        for content in session.scalars(select(DefinitionVersion.content)):
            found.update(image["sha256"] for image in content.get("images", {}).values())
    return found


def _clear(database: Database, end: AttemptPosition, leaving: threading.Event) -> int:
    """Clear the mails up to this position; return how many."""
    at = tuple_(Attempt.started_at, Attempt.id)
    old = (
        select(Attempt.id)
        .where(
            Attempt.rebuild_data.is_not(None),
            at <= tuple_(*end, types=[Attempt.started_at.type, Attempt.id.type]),
        )
        .order_by(Attempt.started_at, Attempt.id)
        .limit(BATCH)
    )
    gone = 0
    while not leaving.is_set():
        with database.writing() as session:
            cleared = session.execute(
                update(Attempt)
                .where(Attempt.id.in_(old.scalar_subquery()))
                .values(rebuild_data=None, rebuild_data_deleted_at=now())
                .execution_options(synchronize_session=False)
            ).rowcount  # type: ignore[attr-defined]
        if not cleared:
            return gone
        gone += cleared
        leaving.wait(PAUSE)
    return gone


PAUSE = 0.05
"""Seconds between two commits, so that sending is not held up."""


def documents_of(kept: bytes) -> list[str]:
    """The SHA-256 of each document of a mail, from its rebuild data."""
    digests: list[str] = []

    def note(digest: str) -> bytes:
        digests.append(digest)
        return b""

    try:
        rebuild(kept, note)
    except (zlib.error, ValueError):  # a row that was damaged must not keep all others for ever
        log.warning("what was kept of a mail cannot be read")
    return digests
