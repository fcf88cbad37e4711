"""The rows that attempts read and write, and their statements, which are compiled once.

Everything here runs once per round of a worker's connections; store/prepared.py says what that saves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from webapp.delivery.settlement import AttemptOutcome
from webapp.lifecycle.results import LockedResult
from webapp.messages.building import Message
from webapp.messages.inputs import MessageInput
from webapp.smtp.queue_ids import queue_id
from webapp.store.prepared import BulkInsert, BulkUpdate, CompiledStatement
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import Outcome, ResultStatus, RunStatus
from webapp.store.types import Instant, now

START_COLUMNS = (
    "run_id",
    "result_id",
    "number",
    "worker_id",
    "mail_server_id",
    "version_id",
    "started_at",
    "message_id",
    "recipients",
    "bcc",
    "redirected_to",
    "size",
    "sha256",
    "rebuild_data",
)
NO_OUTCOME_YET: Mapping[str, Any] = {
    "ended_at": None,
    "outcome": Outcome.SENDING,
    "stage": "",
    "code": None,
    "reply": "",
    "queue_id": "",
    "detail": "",
    "refused": {},
    "transcript": [],
}
OUTCOME_COLUMNS = tuple(NO_OUTCOME_YET)

_INSERT = BulkInsert(
    Attempt,
    (*START_COLUMNS, *OUTCOME_COLUMNS),
    lambda insert: insert.returning(Attempt.id, Attempt.result_id),
)
WRITE_OUTCOMES = BulkUpdate(Attempt, OUTCOME_COLUMNS)
"""Writes `outcome_columns` to attempts; each row names its attempt as `by_id`."""


@dataclass(frozen=True)
class LockedForAttempt:
    """A result as it is now, with its claim's token, and whether its run may send now or is finished."""

    result: LockedResult
    token: str | None
    run_may_send: bool
    run_is_finished: bool


def lock_results(connection: Connection, result_ids: Iterable[int]) -> Mapping[int, LockedForAttempt]:
    """Lock these results in the order of their ids, and read them once the locks are held.

    The order prevents deadlocks. A commit of ours whose answer was lost may still be under way: reading
    before the lock would miss it."""
    ids = {f"id_{n}": id for n, id in enumerate(sorted(set(result_ids)))}
    rows = _locking_statement(len(ids)).run(connection, {**ids, "at": now()})
    return {
        id: LockedForAttempt(
            LockedResult(id, ResultStatus(status), reason),
            token,
            run_status == RunStatus.RUNNING and bool(is_in_time),
            run_status == RunStatus.FINISHED,
        )
        for id, status, reason, token, run_status, is_in_time in rows
    }


@lru_cache
def _locking_statement(rows: int) -> CompiledStatement:
    ids = [bindparam(f"id_{n}", type_=Result.id.type) for n in range(rows)]
    is_in_time = or_(Run.send_until.is_(None), Run.send_until > bindparam("at", type_=Instant))
    return CompiledStatement(
        select(Result.id, Result.status, Result.reason, Result.token, Run.status, is_in_time)
        .join(Run, Run.id == Result.run_id)
        .where(Result.id.in_(ids))
        .order_by(Result.id)
        .with_for_update(of=Result)
    )


def insert_attempts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store these attempts, each of a different result; return their ids in the same order."""
    if not rows:
        return []
    ids = {result_id: id for id, result_id in _INSERT.run(connection, rows)}
    return [ids[row["result_id"]] for row in rows]


def attempt_row(
    inputs: MessageInput, worker_id: int, mail_server_id: int, message: Message | None = None
) -> dict[str, Any]:
    """The row of an attempt that has no outcome yet; with `message`, what goes out is part of it."""
    return {
        "run_id": inputs.run_id,
        "result_id": inputs.result_id,
        "number": inputs.attempts + 1,
        "worker_id": worker_id,
        "mail_server_id": mail_server_id,
        "version_id": inputs.version_id,
        "started_at": now(),
        "message_id": inputs.message_id,
        "recipients": list(message.recipients if message else (address for address, _ in inputs.recipients)),
        "bcc": list(message.bcc if message else inputs.bcc),
        "redirected_to": message.redirected_to if message else "",
        "size": len(message.mail.data) if message else 0,
        "sha256": message.mail.sha256 if message else "",
        "rebuild_data": message.mail.rebuild_data if message else None,
        **NO_OUTCOME_YET,
    }


def outcome_columns(outcome: AttemptOutcome) -> dict[str, Any]:
    """What an attempt's row says once it has ended; the end is now."""
    return {
        "ended_at": now(),
        "outcome": outcome.outcome,
        "stage": outcome.stage,
        "code": outcome.code,
        "reply": outcome.reply,
        "queue_id": queue_id(outcome.reply) if outcome.outcome == Outcome.ACCEPTED else "",
        "detail": outcome.detail,
        "refused": dict(outcome.refused),
        "transcript": [list(line) for line in outcome.transcript],
    }


def sending_columns(inputs: MessageInput, message: Message, attempt: Mapping[str, Any]) -> dict[str, Any]:
    """What a result's row says while this attempt of it is `sending`."""
    return {
        "attempts": attempt["number"],
        "first_try_at": inputs.first_try_at or attempt["started_at"],
        "next_try_at": None,
        "message_id": inputs.message_id,
        "recipients": list(message.recipients),
        "redirected": bool(message.redirected_to),
    }
