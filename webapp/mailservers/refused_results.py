"""The results that a mail server refused for now within the last hour, and that may not be to blame."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.orm import Session

from webapp.store.mailservers import RefusedResult
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE, ResultStatus, RunStatus
from webapp.store.types import now

REMEMBERED = timedelta(hours=1)


def new_row(server_id: int, run_id: int, result_id: int) -> RefusedResult:
    """The row of a result that is refused for the first time."""
    return RefusedResult(
        mail_server_id=server_id,
        result_id=result_id,
        run_id=run_id,
        first_at=now(),
        is_trial=False,
        apart=0,
    )


def remember(session: Session, row: RefusedResult, domain: str, refusal: str) -> None:
    """Store that this result was refused just now, and forget what was refused long ago."""
    row.domain, row.refusal_class, row.last_at = domain, refusal, now()
    session.add(row)
    session.flush()
    session.execute(
        delete(RefusedResult).where(
            RefusedResult.mail_server_id == row.mail_server_id,
            RefusedResult.last_at < now() - REMEMBERED,
        )
    )


def deferred_over(session: Session, server_id: int, refusal: str, domain: str = "") -> list[int]:
    """The results that are deferred after a refusal of this class (to this domain), the first refused
    first."""
    theirs = [RefusedResult.mail_server_id == server_id, RefusedResult.refusal_class == refusal]
    if domain:
        theirs.append(RefusedResult.domain == domain)
    query = (
        select(Result.id)
        .join(RefusedResult, RefusedResult.result_id == Result.id)
        .where(*theirs, Result.status == ResultStatus.DEFERRED)
        .order_by(RefusedResult.first_at, Result.id)
    )
    return list(session.scalars(query))


def may_probe(session: Session, server_id: int, run_id: int) -> bool:
    """Whether this run may try a server that takes nothing: it has a message that was refused, or no running
    run has."""
    waiting = _waiting(server_id).join(Run, Run.id == Result.run_id).where(Run.status == RunStatus.RUNNING)
    here = session.scalar(select(exists(waiting.where(Result.run_id == run_id))))
    return bool(here) or not session.scalar(select(exists(waiting)))


def to_probe_with(session: Session, server_id: int, run_id: int) -> list[int]:
    """The result of this run with which to try a server that takes nothing: the one whose last refusal is
    longest ago, so that a message with a trouble of its own does not hold up the others."""
    query = _waiting(server_id).where(Result.run_id == run_id)
    query = query.order_by(RefusedResult.is_trial.desc(), RefusedResult.last_at, Result.id).limit(1)
    return list(session.scalars(query.with_for_update(of=Result, skip_locked=True)))


def _waiting(server_id: int) -> Select[int]:
    return (
        select(Result.id)
        .join(RefusedResult, RefusedResult.result_id == Result.id)
        .where(
            RefusedResult.mail_server_id == server_id,
            Result.status.in_(SENDABLE),
            Result.worker_id.is_(None),
        )
    )
