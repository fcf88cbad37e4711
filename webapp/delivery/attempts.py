"""The commits around messages' last bytes: mark them, settle what became of them, take a mark back.

These are why an invoice goes out once. A round of a worker's connections is one transaction: what the last
messages came to, and the marks of the next ones; each holds or fails by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.delivery.settlement import AttemptOutcome, next_state
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle.results import (
    RELEASE_CLAIM,
    LockedResult,
    Transition,
    transition_each,
    transition_writes,
)
from webapp.lifecycle.throughput import counting_sent
from webapp.messages.building import Message
from webapp.messages.inputs import MessageInput
from webapp.store.database import hold_run
from webapp.store.prepared import BulkInsert, BulkUpdate, CompiledStatement, PendingWrite, execute_all
from webapp.store.runs import Attempt, Reservation, Result, Run
from webapp.store.statuses import SENDABLE, Outcome, ResultStatus, RunStatus
from webapp.store.types import now

STARTED = (ResultStatus.SENDING, ResultStatus.UNCONFIRMED)


@dataclass(frozen=True)
class ClaimRef:
    """Whose claim it is, over which server: what every commit about a result is conditional on."""

    worker_id: int
    token: str
    mail_server_id: int


@dataclass(frozen=True)
class StartedAttempt:
    """A mark that holds: the attempt that it stored, begun at this instant."""

    attempt_id: int
    began: datetime


class ClaimLost(Exception):
    """The mark does not hold: the claim is no longer ours, or another result has the invoice."""


class RunStopped(ClaimLost):
    """The mark does not hold because the run does not run any more."""


@dataclass(frozen=True)
class AttemptStart:
    """A message of which everything but its last byte is with the mail server."""

    inputs: MessageInput
    claim: ClaimRef
    message: Message


@dataclass(frozen=True)
class AttemptEnd:
    """What became of an attempt. `marked` is None if it ended before its mark: it is stored with this."""

    inputs: MessageInput
    claim: ClaimRef
    outcome: AttemptOutcome
    started: StartedAttempt | None = None


def commit_round(
    connection: Connection,
    settings: Settings,
    run_id: int,
    starts: Sequence[AttemptStart],
    ends: Sequence[AttemptEnd],
) -> list[StartedAttempt | ClaimLost]:
    """Stores a round of one run and one worker; for each to be marked, in order, whether its mark holds.

    1. Take the run's lock shared.
    2. Lock all results of the round in the order of their ids, and read with them whether the run runs: in a
    statement after the lock is had, so that Stop is exact. If it does not, no mark holds.
    3. What became of attempts is stored, results go where that leads, and the reservation of what certainly
    did not go out is given back. To settle twice is harmless. If the run was finished meanwhile, a late proof
    that a mail did not go out lets it go on.
    4. A mark holds if the result is still ours (token) and `ready` or `deferred`, and if every invoice could
    be reserved as this copy (in safe mode none is). The result becomes `sending`, its attempt is stored with
    what will have gone out."""
    entries: list[AttemptStart | AttemptEnd] = [*ends, *starts]
    hold_run(connection, run_id, exclusive=False)
    held = _lock_results(connection, [entry.inputs.result_id for entry in entries])
    closing, changes = _settle_attempts(connection, settings, ends, held)
    if any(change.to in SENDABLE and held[change.result.id].run_is_finished for change in changes):
        with Session(connection) as session:
            lifecycle_runs.reopen(session, run_id)
            session.flush()
    answers, marked = _start_attempts(connection, starts, held)
    worker_id, sent = entries[0].claim.worker_id, sum(change.to == ResultStatus.SENT for change in changes)
    counting = counting_sent(run_id, worker_id, sent)
    moving = transition_writes(run_id, [*changes, *marked], worker_id)
    execute_all(connection, [closing, *moving, counting])
    return answers


@dataclass(frozen=True)
class LockedForAttempt:
    """A result as it is now, with its token, and whether its run runs or has been finished."""

    result: LockedResult
    token: str | None
    run_is_running: bool
    run_is_finished: bool


def _lock_results(connection: Connection, result_ids: Iterable[int]) -> Mapping[int, LockedForAttempt]:
    """The results as they are once the locks are had: a commit of ours whose answer was lost may still be
    under way."""
    ids = {f"id_{n}": id for n, id in enumerate(sorted(set(result_ids)))}
    rows = _locking_statement(len(ids)).run(connection, ids)
    return {
        id: LockedForAttempt(
            LockedResult(id, ResultStatus(status), reason),
            token,
            run_status == RunStatus.RUNNING,
            run_status == RunStatus.FINISHED,
        )
        for id, status, reason, token, run_status in rows
    }


def _still_claimed(
    held: Mapping[int, LockedForAttempt], entry: AttemptStart | AttemptEnd, statuses: tuple[ResultStatus, ...]
) -> LockedResult | None:
    found = held.get(entry.inputs.result_id)
    ours = found is not None and found.token == entry.claim.token and found.result.status in statuses
    return found.result if found is not None and ours else None


def _settle_attempts(
    connection: Connection,
    settings: Settings,
    to_settle: Sequence[AttemptEnd],
    held: Mapping[int, LockedForAttempt],
) -> tuple[PendingWrite, list[Transition]]:
    """Stores how attempts ended; returns what is still to be written of that, and what it changes.

    A result that was declared `unconfirmed` meanwhile is settled by this proof, unless a person has touched
    it since (no token): then only the attempt, and the reservation, learn the truth."""
    changes, closed, begun, given_back = [], [], [], dict[int, int]()
    for entry in to_settle:
        found = _still_claimed(held, entry, STARTED if entry.started else SENDABLE)
        if entry.started is not None:
            closed.append({**_outcome_columns(entry.outcome), "by_id": entry.started.attempt_id})
            if not entry.outcome.may_have_been_sent:
                given_back[entry.started.attempt_id] = entry.inputs.result_id
        elif found is not None:
            begun.append({**_attempt_row(entry.inputs, entry.claim), **_outcome_columns(entry.outcome)})
        if found is not None:
            began = entry.started.began if entry.started else now()
            fate = next_state(settings, entry.inputs, found.status, entry.outcome, began)
            changes.append(Transition(found, fate.status, fate.values))
    if begun:
        _insert_attempts(connection, begun)
    _release_reservations(connection, given_back)
    return PendingWrite(_CLOSE, closed), changes


def _start_attempts(
    connection: Connection, to_mark: Sequence[AttemptStart], held: Mapping[int, LockedForAttempt]
) -> tuple[list[StartedAttempt | ClaimLost], list[Transition]]:
    """Stores the attempts that hold; returns the answers, and what they change."""
    if not all(found.run_is_running for found in held.values()):
        return [RunStopped("the run was stopped") for _ in to_mark], []
    ours = [_still_claimed(held, entry, SENDABLE) for entry in to_mark]
    good = [(entry, found) for entry, found in zip(to_mark, ours, strict=True) if found is not None]
    rows = [_attempt_row(entry.inputs, entry.claim, entry.message) for entry, _ in good]
    ids = _insert_attempts(connection, rows) if rows else []
    reserved = _reserve(connection, [entry for entry, _ in good], ids)
    answers: dict[int, StartedAttempt | ClaimLost] = {}
    changes = []
    for (entry, found), row, attempt_id in zip(good, rows, ids, strict=True):
        if attempt_id not in reserved:
            answers[found.id] = ClaimLost("another result has reserved the invoice")
            continue
        answers[found.id] = StartedAttempt(attempt_id, row["started_at"])
        changes.append(Transition(found, ResultStatus.SENDING, _on_the_wire(entry, row)))
    lost = ClaimLost("the claim is no longer ours")
    return [answers.get(entry.inputs.result_id, lost) for entry in to_mark], changes


def _on_the_wire(entry: AttemptStart, attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempts": attempt["number"],
        "first_try_at": entry.inputs.first_try_at or attempt["started_at"],
        "next_try_at": None,
        "message_id": entry.inputs.message_id,
        "recipients": list(entry.message.recipients),
        "redirected": bool(entry.message.redirected_to),
    }


def _reserve(connection: Connection, entries: Sequence[AttemptStart], attempt_ids: Sequence[int]) -> set[int]:
    """Reserves the invoices of each attempt; returns the attempts that got all of theirs. Of the others,
    whose invoice another result has, nothing stays."""
    rows = [
        {
            "definition_id": entry.inputs.definition_id,
            "invoice_id": invoice_id,
            "copy": copy,
            "result_id": entry.inputs.result_id,
            "attempt_id": attempt_id,
            "taken_at": now(),
        }
        for entry, attempt_id in zip(entries, attempt_ids, strict=True)
        if not entry.message.redirected_to
        for invoice_id, copy in sorted(entry.inputs.copies.items())
    ]
    if not rows:
        return set(attempt_ids)
    wanted = Counter(row["attempt_id"] for row in rows)
    got = Counter(attempt_id for (attempt_id,) in _RESERVE.run(connection, rows))
    without = {
        attempt_id: entry.inputs.result_id
        for entry, attempt_id in zip(entries, attempt_ids, strict=True)
        if got[attempt_id] < wanted[attempt_id]
    }
    if without:
        _release_reservations(connection, without)
        connection.execute(delete(Attempt).where(Attempt.id.in_(without)))
    return set(attempt_ids) - without.keys()


def _release_reservations(connection: Connection, attempts: Mapping[int, int]) -> None:
    """Deletes the reservations of these attempts (attempt id → result id, along whose index they are
    found)."""
    if attempts:
        of_them = Reservation.attempt_id.in_(attempts), Reservation.result_id.in_(attempts.values())
        connection.execute(delete(Reservation).where(*of_them))


RESERVATION_COLUMNS = ("definition_id", "invoice_id", "copy", "result_id", "attempt_id", "taken_at")
_RESERVE = BulkInsert(
    Reservation,
    RESERVATION_COLUMNS,
    lambda inserting: inserting.on_conflict_do_nothing().returning(Reservation.attempt_id),
)


def _insert_attempts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Stores these attempts, each of a result of its own; their ids, in order."""
    ids = {result_id: id for id, result_id in _BEGIN.run(connection, rows)}
    return [ids[row["result_id"]] for row in rows]


def _attempt_row(work: MessageInput, hand: ClaimRef, message: Message | None = None) -> dict[str, Any]:
    """The row of an attempt; with what goes out, if it is marked."""
    return {
        "run_id": work.run_id,
        "result_id": work.result_id,
        "number": work.attempts + 1,
        "worker_id": hand.worker_id,
        "mail_server_id": hand.mail_server_id,
        "version_id": work.version_id,
        "started_at": now(),
        "message_id": work.message_id,
        "recipients": list(message.recipients if message else (address for address, _ in work.recipients)),
        "bcc": list(message.bcc if message else work.bcc),
        "redirected_to": message.redirected_to if message else "",
        "size": len(message.mail.data) if message else 0,
        "sha256": message.mail.sha256 if message else "",
        "rebuild_data": message.mail.rebuild_data if message else None,
        **NO_OUTCOME_YET,
    }


OUTCOME_COLUMNS = ("ended_at", "outcome", "stage", "code", "reply", "detail", "refused", "transcript")
NO_OUTCOME_YET: Mapping[str, Any] = dict(
    zip(OUTCOME_COLUMNS, (None, Outcome.SENDING, "", None, "", "", {}, []), strict=True)
)


def _outcome_columns(verdict: AttemptOutcome) -> dict[str, Any]:
    return {
        "ended_at": now(),
        "outcome": verdict.outcome,
        "stage": verdict.stage,
        "code": verdict.code,
        "reply": verdict.reply,
        "detail": verdict.detail,
        "refused": dict(verdict.refused),
        "transcript": [list(line) for line in verdict.transcript],
    }


@lru_cache
def _locking_statement(rows: int) -> CompiledStatement:
    wanted = [bindparam(f"id_{n}", type_=Result.id.type) for n in range(rows)]
    return CompiledStatement(
        select(Result.id, Result.status, Result.reason, Result.token, Run.status)
        .join(Run, Run.id == Result.run_id)
        .where(Result.id.in_(wanted))
        .order_by(Result.id)
        .with_for_update(of=Result)
    )


ATTEMPT_COLUMNS = (
    *("run_id", "result_id", "number", "worker_id", "mail_server_id", "version_id", "started_at"),
    *("message_id", "recipients", "bcc", "redirected_to", "size", "sha256", "rebuild_data", *OUTCOME_COLUMNS),
)
_BEGIN = BulkInsert(
    Attempt, ATTEMPT_COLUMNS, lambda inserting: inserting.returning(Attempt.id, Attempt.result_id)
)
_CLOSE = BulkUpdate(Attempt, OUTCOME_COLUMNS)


def undo_starts(session: Session, entries: Sequence[AttemptStart]) -> None:
    """Undoes marks of which it is not known whether they were committed, when no dot has gone out; also those
    that were declared `unconfirmed` while this worker was away, unless a person has touched them. May be
    repeated."""
    connection = session.connection()
    run_id, worker_id = entries[0].inputs.run_id, entries[0].claim.worker_id
    hold_run(connection, run_id, exclusive=False)
    held = _lock_results(connection, [entry.inputs.result_id for entry in entries])
    ours = [_still_claimed(held, entry, STARTED) for entry in entries]
    undone = [found for found in ours if found is not None]
    if not undone:
        return
    if any(held[found.id].run_is_finished for found in undone):
        lifecycle_runs.reopen(session, run_id)
        session.flush()
    unsure = AttemptOutcome(
        Outcome.HELD, ResultStatus.READY, "dot", detail="the database did not confirm the mark"
    )
    of_them = Attempt.result_id.in_([found.id for found in undone])
    last = select(func.max(Attempt.id), Attempt.result_id).where(of_them).group_by(Attempt.result_id)
    attempts = {attempt_id: result_id for attempt_id, result_id in session.execute(last)}
    _release_reservations(connection, attempts)
    session.execute(update(Attempt).where(Attempt.id.in_(attempts)).values(**_outcome_columns(unsure)))
    transition_each(session, run_id, [_back_to_queue(found) for found in undone], worker_id)


def _back_to_queue(found: LockedResult) -> Transition:
    """Back to where a mark comes from, due at once."""
    if found.status == ResultStatus.UNCONFIRMED:
        return Transition(found, ResultStatus.DEFERRED, {**RELEASE_CLAIM, "detail": "", "next_try_at": now()})
    return Transition(found, ResultStatus.READY, RELEASE_CLAIM)
