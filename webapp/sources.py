"""Whose word counts. What a person changed stays until the source itself changes it: so what the source said
last is remembered of each value that a person changes (docs/import.md)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp.store.statuses import SourceSubject
from webapp.store.upsert import insert_into
from webapp.store.users import SourceValue


def remember(session: Session, subject: SourceSubject, subject_id: int, field: str, value: Any) -> None:
    """Note what the source said last of a value, before a person's first change of it: `value` is what is
    stored now. What is noted already stays, since a second change replaces the person's own value.

    Call it only for what came from the source: what the source never said cannot be remembered.
    """
    row = {"subject": subject, "subject_id": subject_id, "field": field, "value": value}
    session.execute(insert_into(session, SourceValue).values(row).on_conflict_do_nothing())


def forget(session: Session, subject: SourceSubject, subject_id: int, field: str) -> None:
    """Forget what the source said: the value is the source's again."""
    session.execute(
        delete(SourceValue).where(
            SourceValue.subject == subject, SourceValue.subject_id == subject_id, SourceValue.field == field
        )
    )
