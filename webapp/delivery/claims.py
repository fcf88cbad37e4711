"""Claims results: one conditional UPDATE per batch, and a re-check of each result."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from webapp.lifecycle.results import RELEASE_CLAIM, lock_results, transition
from webapp.mailservers import refused_results
from webapp.results.splitting import split_off_ineligible
from webapp.selection.recheck import recheck
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import SENDABLE, ResultStatus, RunStatus
from webapp.store.types import Instant, now


@dataclass(frozen=True)
class Claim:
    """Results that are this worker's to send, for as long as they carry the token. `picked` counts all that
    were claimed, including those that turned out to be no longer sendable."""

    run_id: int
    worker_id: int
    token: str
    result_ids: tuple[int, ...]
    picked: int = 0


def claim(session: Session, run_id: int, worker_id: int, at_most: int, *, probes: int = 0) -> Claim:
    """Claim up to `at_most` results of a running run, oldest first; possibly none. `probes`: the id of a mail
    server that takes nothing: one result that it refused is claimed, if the run has one, due or not.

    1. Pick rows that are `ready`, or `deferred` and due, that no worker has claimed, and whose invoices are
    not on the wire for another result. Skip rows that another worker is claiming right now.
    2. Store worker and token. The status stays: nothing has gone out.
    3. Re-check each. What can no longer be sent becomes `skipped` with its reason (in a collated result: only
    the invoice concerned), and is no part of the claim."""
    token = secrets.token_hex(16)
    in_time = or_(Run.send_until.is_(None), Run.send_until > now())
    running = session.scalar(
        select(exists().where(Run.id == run_id, Run.status == RunStatus.RUNNING, in_time))
    )
    ids = refused_results.to_probe_with(session, probes, run_id) if running and probes else []
    ids = ids or (_pick(session, run_id, at_most) if running else [])
    if not ids:
        return Claim(run_id, worker_id, token, ())
    session.execute(
        update(Result).where(Result.id.in_(ids)).values(worker_id=worker_id, token=token),
        execution_options={"synchronize_session": False},
    )
    sendable = recheck_claimed(session, run_id, ids, worker_id)
    return Claim(run_id, worker_id, token, tuple(sendable), len(ids))


def still_held(session: Session, claim: Claim) -> list[int]:
    """Lock and return those results of a claim that are still this worker's and not started: a person may
    have changed the others."""
    ours = (Result.id.in_(claim.result_ids), Result.token == claim.token, Result.status.in_(SENDABLE))
    return list(session.scalars(select(Result.id).where(*ours).order_by(Result.id).with_for_update()))


def release(session: Session, of: Sequence[Claim]) -> None:
    """Release what was claimed but not started.

    The commit of the last claim may still be under way, if its answer was lost. Without waiting for it,
    PostgreSQL would see these rows as they were before, without a token, and leave them claimed forever. So
    they are locked first, together with those of the claim before, in the order of their ids, as
    everywhere."""
    if not of:
        return
    ids = [id for claim in of[-2:] for id in claim.result_ids]
    session.execute(select(Result.id).where(Result.id.in_(ids)).order_by(Result.id).with_for_update())
    session.execute(
        update(Result)
        .where(
            Result.worker_id == of[0].worker_id,
            Result.token.in_([claim.token for claim in of]),
            Result.status.in_(SENDABLE),
        )
        .values(**RELEASE_CLAIM),
        execution_options={"synchronize_session": False},
    )


def free(session: Session, result_ids: Sequence[int], token: str) -> None:
    """Release these results of a claim, unless their attempts have started."""
    session.execute(
        update(Result)
        .where(Result.id.in_(result_ids), Result.token == token, Result.status.in_(SENDABLE))
        .values(**RELEASE_CLAIM),
        execution_options={"synchronize_session": False},
    )


def postpone(session: Session, claim: Claim, until: Mapping[int, datetime], why: str = "") -> None:
    """Release these results of a claim, to be claimed again no earlier than at their time: their domain's
    rate has no room this minute, or `why` tells the reason on their page."""
    said = {"detail": why} if why else {}
    for result_id, moment in until.items():
        session.execute(
            update(Result)
            .where(Result.id == result_id, Result.token == claim.token, Result.status.in_(SENDABLE))
            .values(**RELEASE_CLAIM, next_try_at=moment, **said),
            execution_options={"synchronize_session": False},
        )


def anything_due(session: Session, run_id: int) -> bool:
    """Whether a worker could claim a result of this run now."""
    return bool(_pick(session, run_id, 1, lock=False))


def _pick(session: Session, run_id: int, at_most: int, *, lock: bool = True) -> list[int]:
    """Select ids first, then update by id: PostgreSQL plans `IN (SELECT … LIMIT n)` badly."""
    ids: list[int] = []
    for waiting in _due(lock):
        if len(ids) < at_most:
            about = {"run_id": run_id, "at": now(), "at_most": at_most - len(ids)}
            ids += session.connection().scalars(waiting, about).all()
    return ids


@lru_cache
def _due(lock: bool) -> tuple[Select[int], ...]:
    """Results that are `ready`, and those that are `deferred` and due: two queries, each along the index on
    run, status and id, instead of one that would also read everything that has been sent."""
    rested = Result.next_try_at <= bindparam("at", type_=Instant)
    free = (Result.run_id == bindparam("run_id"), Result.worker_id.is_(None), ~_on_the_wire_elsewhere())
    ready, deferred = ResultStatus.READY, ResultStatus.DEFERRED
    kinds = (
        (_equals_but_keeps_index_order(Result.status, ready), or_(Result.next_try_at.is_(None), rested)),
        (_equals_but_keeps_index_order(Result.status, deferred), rested),
    )
    due = (select(Result.id).where(*kind, *free).order_by(Result.status, Result.id) for kind in kinds)
    due = (waiting.limit(bindparam("at_most", type_=Integer)) for waiting in due)
    return tuple(waiting.with_for_update(skip_locked=True) if lock else waiting for waiting in due)


def _equals_but_keeps_index_order(column: Any, value: str) -> ColumnElement[bool]:
    """`column = value`, written so that PostgreSQL still needs the index that is sorted by this column.

    With `=` its planner knows that ORDER BY status, id is the order of ids alone. It then takes the smaller
    index on run and id, which is in that order too, and reads through everything that has been sent. A range
    from a value to itself hides the equality (compare the two with EXPLAIN on a run that is half sent)."""
    return cast(ColumnElement[bool], column.between(value, value))


def _on_the_wire_elsewhere() -> ColumnElement[bool]:
    """Whether an invoice of the current Result is being sent by another result: wait, then check again."""
    other, own = aliased(Result), aliased(ResultInvoice)
    return (
        exists()
        .where(own.result_id == Result.id)
        .where(Run.id == Result.run_id)
        .where(Reservation.definition_id == Run.definition_id, Reservation.invoice_id == own.invoice_id)
        .where(Reservation.copy >= own.copy)
        .where(other.id == Reservation.result_id, other.status == ResultStatus.SENDING)
        .correlate(Result)
    )


def recheck_claimed(session: Session, run_id: int, result_ids: Sequence[int], worker_id: int) -> list[int]:
    """Check whether these claimed results can still be sent; those that cannot become `skipped`. Returns the
    others.

    A result whose invoice another result has begun to send since it was picked is released, to wait."""
    wait = set(session.connection().scalars(_gone_on_the_wire(), {"result_ids": list(result_ids)}))
    if wait:
        session.execute(
            update(Result).where(Result.id.in_(wait)).values(**RELEASE_CLAIM),
            execution_options={"synchronize_session": False},
        )
    skipped: dict[str, list[int]] = defaultdict(list)
    for result_id, by_invoice in recheck(session, set(result_ids) - wait).items():
        if reason := split_off_ineligible(session, result_id, by_invoice, worker_id):
            skipped[reason].append(result_id)
    for reason, ids in skipped.items():
        rows = lock_results(session, Result.id.in_(ids))
        transition(
            session,
            run_id,
            rows,
            ResultStatus.SKIPPED,
            reason=reason,
            worker_id=worker_id,
            values=RELEASE_CLAIM,
        )
    gone = wait.union(*skipped.values())
    return [result_id for result_id in result_ids if result_id not in gone]


@lru_cache
def _gone_on_the_wire() -> Select[int]:
    ids: BindParameter[int] = bindparam("result_ids", expanding=True)
    return select(Result.id).where(Result.id.in_(ids), _on_the_wire_elsewhere())
