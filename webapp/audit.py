"""The audit trail: who did what. Entries are only ever added. Line breaks in typed text are made harmless."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.store.runs import Run
from webapp.store.users import AuditEntry


def note(session: Session, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Add an entry, in this writing transaction."""
    session.add(
        AuditEntry(
            actor=one_line(actor, 254),
            action=action,
            subject=one_line(subject, 200),
            detail=one_line(detail, 2000),
        )
    )


def one_line(text: str, longest: int) -> str:
    """The text without characters that a log or a terminal would take for more than letters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:longest])


def audit(session: Session, actor: str, action: str, run: Run, detail: str = "") -> None:
    """Notes who did what to this run, in the same commit as what was done."""
    session.add(AuditEntry(actor=actor, action=action, subject=f"run {run.id}", detail=detail))
