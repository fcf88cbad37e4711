"""A session that refuses to change anything."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

NEEDS_WRITING = "This session only reads: a change needs writing()."


class ReadSession(Session):
    """Raises RuntimeError for a flush and for INSERT, UPDATE and DELETE: on PostgreSQL, where each statement
    of a reading session stands alone, nothing would roll them back. SQL given as plain text is not checked,
    nor is what goes to `connection()`."""


@event.listens_for(ReadSession, "before_flush")
def _refuse_flush(*_: object) -> None:
    raise RuntimeError(NEEDS_WRITING)


@event.listens_for(ReadSession, "do_orm_execute")
def _refuse_change(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise RuntimeError(NEEDS_WRITING)
