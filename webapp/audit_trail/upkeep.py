"""The daily care of the audit trail: verify it, and let go of what is older than it is to be kept."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import or_, select

from webapp.audit_trail import retention, verifying
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.store.types import now
from webapp.store.users import AuditChain

log = logging.getLogger(__name__)


def is_due(runtime: Runtime) -> bool:
    """Whether the chain was not verified today."""
    before = now() - timedelta(seconds=runtime.settings.tidy_every)
    due = or_(AuditChain.checked_at.is_(None), AuditChain.checked_at < before)
    with runtime.database.reading() as session:
        return session.scalar(select(AuditChain.one).where(due, AuditChain.last > 0)) is not None


def verify_and_release(runtime: Runtime) -> None:
    """Verify the chain, and say in the log if it is broken. Of a sound one, let go of the old entries."""
    verification = verifying.verify_and_note(runtime.database)
    if verification.broken is not None:
        log.error("the audit trail is broken", extra=ids(entry=verification.broken))
    elif runtime.settings.keep_audit:
        with runtime.database.writing() as session:
            retention.release(session, runtime.settings.keep_audit)
