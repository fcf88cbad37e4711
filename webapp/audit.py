"""The audit trail: who did what. Entries are only ever added. Line breaks in typed text are made harmless."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.printable import printable
from webapp.store.runs import Run
from webapp.store.users import AuditEntry


def note(session: Session, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Add an entry, in this writing transaction."""
    session.add(
        AuditEntry(
            actor=printable(actor[:254]),
            action=action,
            subject=printable(subject[:200]),
            detail=printable(detail[:2000]),
        )
    )


def audit(session: Session, actor: str, action: str, run: Run, detail: str = "") -> None:
    """Notes who did what to this run, in the same commit as what was done."""
    session.add(AuditEntry(actor=actor, action=action, subject=f"run {run.id}", detail=detail))


CHANGES_SHOWN_MAX = 30
"""Entries that a page shows of one subject."""


def latest(session: Session, subject: str) -> Sequence[AuditEntry]:
    """What was done to this subject last, the newest first."""
    of_it = select(AuditEntry).where(AuditEntry.subject == subject)
    return session.scalars(of_it.order_by(AuditEntry.id.desc()).limit(CHANGES_SHOWN_MAX)).all()


def last(session: Session, subject: str, action: str) -> AuditEntry | None:
    """When this was last done to this subject, and by whom."""
    of_it = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.action == action)
    return session.scalar(of_it.order_by(AuditEntry.id.desc()).limit(1))
