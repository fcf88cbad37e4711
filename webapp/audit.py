"""Who did what: entries are only ever added. Line breaks in what people typed are made harmless."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.store.users import AuditEntry


def note(session: Session, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Adds an entry, in this writing transaction."""
    session.add(
        AuditEntry(
            actor=one_line(actor, 254),
            action=action,
            subject=one_line(subject, 200),
            detail=one_line(detail, 2000),
        )
    )


def one_line(text: str, longest: int) -> str:
    """The text without anything that a log or a terminal would take for more than its letters."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:longest])
