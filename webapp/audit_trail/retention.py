"""How long the audit trail is kept: after MAILRUN_KEEP_AUDIT days entries are deleted, and a signed stub
stands in their place."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp import audit, audit_chain
from webapp.store.types import now
from webapp.store.users import AuditChain, AuditEntry, AuditStub

RELEASED = "audit trail released"
"""The action in the audit trail."""
ACTOR = "Mailrun"


def release(session: Session, days: float) -> int:
    """Let go of the entries that are older than this many days; return how many. In this writing transaction.

    Only the oldest go, without a gap: an entry stays while an older one does. The last one of the chain
    stays, too."""
    limit = now() - timedelta(days=days)
    chain = session.scalars(select(AuditChain).with_for_update()).one()
    kept = session.scalar(select(func.min(AuditEntry.number)).where(AuditEntry.at >= limit))
    end = min(chain.last, chain.last if kept is None else kept) - 1
    old = AuditEntry.number <= end
    found = session.execute(
        select(func.count(), func.min(AuditEntry.at), func.max(AuditEntry.at)).where(old)
    ).one()
    count, first_at, last_at = found
    if not count:
        return 0
    last_hash = session.scalars(select(AuditEntry.hash).where(AuditEntry.number == end)).one()
    key = audit_chain.key_of(session, end)
    if last_hash and key is None:
        return 0  # it cannot be signed: only the machine with the key lets go of it
    code = audit_chain.place_code(key, end, last_hash, "stub") if key else ""
    session.add(
        AuditStub(
            released_to=end, hash=last_hash, code=code, entries=count, first_at=first_at, last_at=last_at
        )
    )
    session.flush()
    session.execute(delete(AuditEntry).where(old).execution_options(synchronize_session=False))
    told = f"{count} entries to number {end}, of {first_at:%Y-%m-%d} to {last_at:%Y-%m-%d}"
    audit.note(session, ACTOR, RELEASED, "audit trail", told)
    return int(count)
