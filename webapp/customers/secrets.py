"""Which fields of customers' metadata hold passwords: those that some definition takes its password from.
Their values are on no page unless a person asks, in no search, no download and no audit entry."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.store.definitions import MessageDefinition


def password_fields(session: Session) -> set[str]:
    """The names of these fields."""
    named = select(MessageDefinition.password_key).where(MessageDefinition.password_key != "").distinct()
    return set(session.scalars(named))
