"""The audit trail: who did what. Entries are only ever added. Line breaks in typed text are made harmless."""

from __future__ import annotations

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
