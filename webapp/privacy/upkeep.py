"""The daily care of personal data: one worker a day lets go of what is older than it is to be kept."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select, update

from webapp.bounces import keeping
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.privacy import clearing, old_documents
from webapp.store.installation import Installation, held
from webapp.store.types import now

log = logging.getLogger(__name__)


def is_due(runtime: Runtime) -> bool:
    """Whether it is time to look for what is kept no longer."""
    keep = runtime.settings.privacy
    if not (keep.keep_attempts or keep.keep_addresses or keep.keep_documents):
        return False
    with runtime.database.reading() as session:
        return session.scalar(select(Installation.number).where(_due(runtime))) is not None


def clear(runtime: Runtime, leaving: threading.Event) -> None:
    """Take today's turn, in one conditional UPDATE, and clear what is past its time. Not on a copy of a
    database, whose documents are not its own."""
    database, keep = runtime.database, runtime.settings.privacy
    with database.writing() as session:
        turn = update(Installation).where(_due(runtime)).values(cleared_at=now())
        silently = {"synchronize_session": False}
        if held(session) or not session.execute(turn, execution_options=silently).rowcount:  # type: ignore[attr-defined]
            return
    gone = {}
    if keep.keep_attempts:
        gone["attempts"] = clearing.clear(database, clearing.ATTEMPTS, keep.keep_attempts, leaving)
        with database.writing() as session:
            gone["returned"] = keeping.clear_loose(session, now() - timedelta(days=keep.keep_attempts))
    if keep.keep_addresses:
        gone["results"] = clearing.clear(database, clearing.ADDRESSES, keep.keep_addresses, leaving)
    if keep.keep_documents:
        gone["invoices"] = old_documents.delete_old(database, runtime.documents, keep.keep_documents, leaving)
    if any(gone.values()):
        log.info("personal data were kept for long enough", extra=ids(**gone))


def _due(runtime: Runtime) -> ColumnElement[bool]:
    last = now() - timedelta(seconds=runtime.settings.tidy_every)
    return or_(Installation.cleared_at.is_(None), Installation.cleared_at < last)
