"""Results on the wire that no worker is left to settle: they may have been sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from webapp.lifecycle.results import lock_results, transition
from webapp.store.runs import Attempt, Result
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.types import now


def mark_unconfirmed(session: Session, words: str, *which: ColumnElement[bool]) -> None:
    """Mark those of these results that are on the wire as `unconfirmed`: no worker is left to settle them.
    `words` tells why."""
    on_the_wire = (*which, Result.status == ResultStatus.SENDING)
    for run_id in session.scalars(select(Result.run_id).where(*on_the_wire).distinct()).all():
        rows = lock_results(session, Result.run_id == run_id, *on_the_wire)
        transition(
            session, run_id, rows, ResultStatus.UNCONFIRMED, values={"worker_id": None, "detail": words}
        )
        session.execute(
            update(Attempt)
            .where(Attempt.result_id.in_([row.id for row in rows]), Attempt.outcome == Outcome.SENDING)
            .values(unknown_outcome(words))
            .execution_options(synchronize_session=False)
        )


def unknown_outcome(words: str) -> dict[str, Any]:
    """The values of an attempt whose reply will never be known."""
    return {"outcome": Outcome.UNKNOWN, "stage": "dot", "detail": words, "ended_at": now()}
