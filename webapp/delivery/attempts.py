"""Starts and settles delivery attempts: the commits around a message's last byte.

They are why an invoice goes out once. A round of a worker's connections is one transaction: the outcomes of
the last messages, and the starts of the next ones. Each of them holds or fails by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.delivery import reservations
from webapp.delivery.attempt_rows import (
    WRITE_OUTCOMES,
    LockedForAttempt,
    attempt_row,
    insert_attempts,
    lock_results,
    outcome_columns,
    sending_columns,
)
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
from webapp.store.database import FORMER_KEYS, SECRET_KEY
from webapp.store.locks import lock_run
from webapp.store.prepared import PendingWrite, execute_all
from webapp.store.runs import Attempt
from webapp.store.statuses import SENDABLE, Outcome, ResultStatus
from webapp.store.types import now
from webapp.translation import N_

STARTED = (ResultStatus.SENDING, ResultStatus.UNCONFIRMED)
"""The statuses of a result whose attempt has started and is not settled."""


@dataclass(frozen=True)
class ClaimRef:
    """Whose claim it is, over which mail server. Every commit about a result is conditional on it."""

    worker_id: int
    token: str
    mail_server_id: int


@dataclass(frozen=True)
class AttemptStart:
    """A message of which the mail server has everything but the last byte."""

    inputs: MessageInput
    claim: ClaimRef
    message: Message


@dataclass(frozen=True)
class StartedAttempt:
    """An attempt that was stored before its message's last byte goes out."""

    attempt_id: int
    began: datetime


class ClaimLost(Exception):
    """The attempt may not start: the claim is no longer ours, or another result has the invoice."""


class RunStopped(ClaimLost):
    """The attempt may not start because the run is no longer running, or its end has passed."""


@dataclass(frozen=True)
class AttemptEnd:
    """The outcome of an attempt. Without `started` it ended before its start, and is stored with this."""

    inputs: MessageInput
    claim: ClaimRef
    outcome: AttemptOutcome
    started: StartedAttempt | None = None


Locked = Mapping[int, LockedForAttempt]
"""Result id → the result as it is, locked."""


def commit_round(
    connection: Connection,
    settings: Settings,
    run_id: int,
    starts: Sequence[AttemptStart],
    ends: Sequence[AttemptEnd],
) -> list[StartedAttempt | ClaimLost]:
    """Write one round of one run and one worker; for each start, in order, return whether it holds.

    1. Take the run's lock, shared.
    2. Lock all results of the round, and read with them whether the run may send: after the lock is held,
    so that Stop is exact. If it is not running, or its end has passed, no attempt starts.
    3. Store how attempts ended, move their results on, and release the reservations of messages that
    certainly
    did not go out. Settling twice is harmless. If the run has finished meanwhile, late proof that a message
    did not go out reopens it.
    4. An attempt starts if the result is still ours (token) and `ready` or `deferred`, and if every invoice
    could be reserved as this copy (in safe mode none is). The result becomes `sending`, and its attempt is
    stored with what is about to go out."""
    entries: list[AttemptStart | AttemptEnd] = [*ends, *starts]
    lock_run(connection, run_id, exclusive=False)
    locked = lock_results(connection, [entry.inputs.result_id for entry in entries])
    outcomes, settled = _settle(connection, settings, ends, locked)
    if any(change.to in SENDABLE and locked[change.result.id].run_is_finished for change in settled):
        keys = {SECRET_KEY: settings.secret_key, FORMER_KEYS: settings.former_keys}
        with Session(connection, info=keys) as session:
            lifecycle_runs.reopen(session, run_id)
            session.commit()  # within the round's transaction, which goes on
    answers, started = _start(connection, starts, locked)
    worker_id, sent = entries[0].claim.worker_id, sum(change.to == ResultStatus.SENT for change in settled)
    transitions = transition_writes(run_id, [*settled, *started], worker_id)
    execute_all(connection, [outcomes, *transitions, counting_sent(run_id, worker_id, sent)])
    return answers


def _still_claimed(
    locked: Locked, entry: AttemptStart | AttemptEnd, statuses: tuple[ResultStatus, ...]
) -> LockedResult | None:
    """The entry's result, if its claim is still the entry's and its status one of these."""
    found = locked.get(entry.inputs.result_id)
    if found is None or found.token != entry.claim.token or found.result.status not in statuses:
        return None
    return found.result


def _settle(
    connection: Connection, settings: Settings, ends: Sequence[AttemptEnd], locked: Locked
) -> tuple[PendingWrite, list[Transition]]:
    """Store how attempts ended; return the write that is still pending, and the transitions of results.

    A result that was declared `unconfirmed` meanwhile is settled by this proof, unless a person has changed
    it since (no token): then only the attempt and the reservation are corrected."""
    transitions, outcomes, never_started, not_sent = [], [], [], dict[int, int]()
    for end in ends:
        result = _still_claimed(locked, end, STARTED if end.started else SENDABLE)
        if end.started is not None:
            outcomes.append({**outcome_columns(end.outcome), "by_id": end.started.attempt_id})
            if not end.outcome.may_have_been_sent:
                not_sent[end.started.attempt_id] = end.inputs.result_id
        elif result is not None:
            row = attempt_row(end.inputs, end.claim.worker_id, end.claim.mail_server_id)
            never_started.append({**row, **outcome_columns(end.outcome)})
        if result is not None:
            began = end.started.began if end.started else now()
            state = next_state(settings, end.inputs, result.status, end.outcome, began)
            transitions.append(Transition(result, state.status, state.values))
    insert_attempts(connection, never_started)
    reservations.release(connection, not_sent)
    return PendingWrite(WRITE_OUTCOMES, outcomes), transitions


def _start(
    connection: Connection, starts: Sequence[AttemptStart], locked: Locked
) -> tuple[list[StartedAttempt | ClaimLost], list[Transition]]:
    """Store the attempts that may start; return the answers, and the transitions of results."""
    if not all(found.run_may_send for found in locked.values()):
        return [RunStopped("the run was stopped") for _ in starts], []
    results = [_still_claimed(locked, start, SENDABLE) for start in starts]
    ours = [(start, result) for start, result in zip(starts, results, strict=True) if result is not None]
    rows = [
        attempt_row(start.inputs, start.claim.worker_id, start.claim.mail_server_id, start.message)
        for start, _ in ours
    ]
    ids = insert_attempts(connection, rows)
    to_reserve = {
        id: start.inputs for id, (start, _) in zip(ids, ours, strict=True) if not start.message.redirected_to
    }
    refused = reservations.reserve(connection, to_reserve)
    if refused:
        connection.execute(delete(Attempt).where(Attempt.id.in_(refused)))
    answers: dict[int, StartedAttempt | ClaimLost] = {}
    transitions = []
    for (start, result), row, id in zip(ours, rows, ids, strict=True):
        if id in refused:
            answers[result.id] = ClaimLost("another result has reserved the invoice")
            continue
        answers[result.id] = StartedAttempt(id, row["started_at"])
        columns = sending_columns(start.inputs, start.message, row)
        transitions.append(Transition(result, ResultStatus.SENDING, columns))
    lost = ClaimLost("the claim is no longer ours")
    return [answers.get(start.inputs.result_id, lost) for start in starts], transitions


def undo_starts(session: Session, starts: Sequence[AttemptStart]) -> None:
    """Undo starts whose commit was not confirmed, when no final dot has gone out.

    Includes those that were declared `unconfirmed` while this worker was away, unless a person has changed
    them. May be repeated."""
    connection = session.connection()
    run_id, worker_id = starts[0].inputs.run_id, starts[0].claim.worker_id
    lock_run(connection, run_id, exclusive=False)
    locked = lock_results(connection, [start.inputs.result_id for start in starts])
    results = [_still_claimed(locked, start, STARTED) for start in starts]
    undone = [result for result in results if result is not None]
    if not undone:
        return
    if any(locked[result.id].run_is_finished for result in undone):
        lifecycle_runs.reopen(session, run_id)
        session.flush()
    outcome = AttemptOutcome(
        Outcome.HELD, ResultStatus.READY, "dot", detail=N_("the database did not confirm the mark")
    )
    theirs = Attempt.result_id.in_([result.id for result in undone])
    newest = select(func.max(Attempt.id), Attempt.result_id).where(theirs).group_by(Attempt.result_id)
    attempts = {attempt_id: result_id for attempt_id, result_id in session.execute(newest)}
    reservations.release(connection, attempts)
    session.execute(update(Attempt).where(Attempt.id.in_(attempts)).values(**outcome_columns(outcome)))
    transition_each(session, run_id, [_due_at_once(result) for result in undone], worker_id)


def _due_at_once(result: LockedResult) -> Transition:
    """Back to a status from which an attempt starts, without a pause."""
    if result.status == ResultStatus.UNCONFIRMED:
        values = {**RELEASE_CLAIM, "detail": "", "next_try_at": now()}
        return Transition(result, ResultStatus.DEFERRED, values)
    return Transition(result, ResultStatus.READY, RELEASE_CLAIM)
