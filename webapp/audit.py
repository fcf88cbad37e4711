"""The audit trail: who did what. Entries are only ever added. Line breaks in typed text are made harmless."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, insert, literal, select
from sqlalchemy.orm import Session

from webapp.printable import pictures, printable
from webapp.store.runs import Run
from webapp.store.types import now
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
    """Note who did what to this run, in the same commit as what was done. The detail, whose end may be ids
    of results, is kept whole."""
    session.add(
        AuditEntry(
            actor=printable(actor[:254]), action=action, subject=f"run {run.id}", detail=printable(detail)
        )
    )


def note_each(
    session: Session,
    actor: str,
    action: str,
    subject: ColumnElement[str],
    detail: ColumnElement[str],
    *conditions: ColumnElement[bool],
) -> None:
    """Add an entry for each row under these conditions, in one statement, cut and printable as by `note`."""
    rows = select(
        literal(now(), AuditEntry.at.type),
        literal(printable(actor[:254])),
        literal(action),
        _printable(session, func.substr(subject, 1, 200)),
        _printable(session, func.substr(detail, 1, 2000)),
    ).where(*conditions)
    session.execute(insert(AuditEntry).from_select(["at", "actor", "action", "subject", "detail"], rows))


def _printable(session: Session, text: ColumnElement[str]) -> ColumnElement[str]:
    """What `printable` makes of this text."""
    if session.get_bind().dialect.name == "sqlite":
        return func.printable(text)  # store/engine_events.py
    table = pictures()
    return func.translate(text, "".join(table), "".join(table.values()))


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
