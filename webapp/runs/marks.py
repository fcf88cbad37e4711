"""The commits around messages' last bytes: mark them, settle what became of them, take a mark back.

These are why an invoice goes out once. A round of a worker's connections is one transaction: what the last
messages came to, and the marks of the next ones; each holds or fails by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.runs.fates import fate_of
from webapp.runs.messages import Message
from webapp.runs.moves import UNCLAIMED, Change, Held, move_each
from webapp.runs.pace import count_sent
from webapp.runs.verdicts import Verdict
from webapp.runs.work import Work
from webapp.store.database import hold_run
from webapp.store.runs import Attempt, Reservation, Result, Run
from webapp.store.statuses import SENDABLE, Outcome, ResultStatus, RunStatus
from webapp.store.types import now
from webapp.store.upsert import insert_into

AFTER_THE_MARK = (ResultStatus.SENDING, ResultStatus.UNCONFIRMED)


@dataclass(frozen=True)
class Hand:
    """Whose claim it is, over which server: what every commit about a result is conditional on."""

    worker_id: int
    token: str
    mail_server_id: int


@dataclass(frozen=True)
class Marked:
    """A mark that holds: the attempt that it stored, begun at this instant."""

    attempt_id: int
    began: datetime


class NotHeld(Exception):
    """The mark does not hold: the claim is no longer ours, or another result has the invoice."""


class RunStopped(NotHeld):
    """The mark does not hold because the run does not run any more."""


@dataclass(frozen=True)
class ToMark:
    """A message of which everything but its last byte is with the mail server."""

    work: Work
    hand: Hand
    message: Message


@dataclass(frozen=True)
class ToSettle:
    """What became of an attempt. `marked` is None if it ended before its mark: it is stored with this."""

    work: Work
    hand: Hand
    verdict: Verdict
    marked: Marked | None = None


def record(
    session: Session,
    settings: Settings,
    run_id: int,
    to_mark: Sequence[ToMark],
    to_settle: Sequence[ToSettle],
) -> list[Marked | NotHeld]:
    """Stores a round of one run and one worker; for each to be marked, in order, whether its mark holds.

    1. Marks hold only while the run runs: read in a second statement, under the run's shared lock, so that
    Stop is exact.
    2. All results of the round are locked in the order of their ids.
    3. What became of attempts is stored, results go where that leads, and the reservation of what certainly
    did not go out is given back. To settle twice is harmless.
    4. A mark holds if the result is still ours (token) and `ready` or `deferred`, and if every invoice could
    be reserved as this copy (in safe mode none is). The result becomes `sending`, its attempt is stored with
    what will have gone out."""
    running = not to_mark or _runs(session, run_id)
    entries: list[ToMark | ToSettle] = [*to_settle, *to_mark]
    held = _lock(session, [entry.work.result_id for entry in entries])
    changes = _settled(session, settings, to_settle, held)
    sent = sum(change.to == ResultStatus.SENT for change in changes)
    answers, marked = _marks(session, to_mark if running else (), held)
    worker_id = entries[0].hand.worker_id
    move_each(session, run_id, [*changes, *marked], worker_id)
    if sent:
        count_sent(session, run_id, worker_id, sent)
    return answers if running else [RunStopped("the run was stopped")] * len(to_mark)


def _runs(session: Session, run_id: int) -> bool:
    hold_run(session, run_id, exclusive=False)
    return bool(session.scalar(select(exists().where(Run.id == run_id, Run.status == RunStatus.RUNNING))))


def _lock(session: Session, result_ids: Iterable[int]) -> Mapping[int, tuple[Held, str | None]]:
    """The results with their tokens, as they are once the locks are had: a commit of ours whose answer was
    lost may still be under way."""
    rows = session.execute(
        select(Result.id, Result.status, Result.reason, Result.token)
        .where(Result.id.in_(list(result_ids)))
        .order_by(Result.id)
        .with_for_update()
    )
    return {id: (Held(id, ResultStatus(status), reason), token) for id, status, reason, token in rows}


def _ours(
    held: Mapping[int, tuple[Held, str | None]], entry: ToMark | ToSettle, statuses: tuple[ResultStatus, ...]
) -> Held | None:
    found, token = held.get(entry.work.result_id, (None, None))
    return found if found is not None and token == entry.hand.token and found.status in statuses else None


def _settled(
    session: Session,
    settings: Settings,
    to_settle: Sequence[ToSettle],
    held: Mapping[int, tuple[Held, str | None]],
) -> list[Change]:
    """Stores how attempts ended; returns what that changes.

    A result that was declared `unconfirmed` meanwhile is settled by this proof, unless a person has touched
    it since (no token): then only the attempt, and the reservation, learn the truth."""
    changes, closed, begun, given_back = [], [], [], []
    for entry in to_settle:
        found = _ours(held, entry, AFTER_THE_MARK if entry.marked else SENDABLE)
        if entry.marked is not None:
            closed.append({**_closing(entry.verdict), "attempt_id": entry.marked.attempt_id})
            if not entry.verdict.went:
                given_back.append(entry.marked.attempt_id)
        elif found is not None:
            begun.append({**_attempt(entry.work, entry.hand), **_closing(entry.verdict)})
        if found is not None:
            began = entry.marked.began if entry.marked else now()
            fate = fate_of(settings, entry.work, found.status, entry.verdict, began)
            changes.append(Change(found, fate.status, fate.values))
    if closed:
        session.connection().execute(_CLOSE, closed)
    if begun:
        session.connection().execute(insert(ATTEMPT), begun)
    if given_back:
        session.execute(delete(Reservation).where(Reservation.attempt_id.in_(given_back)))
    return changes


def _marks(
    session: Session, to_mark: Sequence[ToMark], held: Mapping[int, tuple[Held, str | None]]
) -> tuple[list[Marked | NotHeld], list[Change]]:
    """Stores the attempts that hold; returns the answers, and what they change."""
    ours = [_ours(held, entry, SENDABLE) for entry in to_mark]
    good = [(entry, found) for entry, found in zip(to_mark, ours, strict=True) if found is not None]
    rows = [_attempt(entry.work, entry.hand, entry.message) for entry, _ in good]
    ids = session.connection().scalars(_BEGIN, rows).all() if rows else []
    reserved = _reserve(session, [entry for entry, _ in good], ids)
    answers: dict[int, Marked | NotHeld] = {}
    changes = []
    for (entry, found), row, attempt_id in zip(good, rows, ids, strict=True):
        if attempt_id not in reserved:
            answers[found.id] = NotHeld("another result has reserved the invoice")
            continue
        answers[found.id] = Marked(attempt_id, row["started_at"])
        changes.append(Change(found, ResultStatus.SENDING, _on_the_wire(entry, row)))
    lost = NotHeld("the claim is no longer ours")
    return [answers.get(entry.work.result_id, lost) for entry in to_mark], changes


def _on_the_wire(entry: ToMark, attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempts": attempt["number"],
        "first_try_at": entry.work.first_try_at or attempt["started_at"],
        "next_try_at": None,
        "message_id": entry.work.message_id,
        "recipients": list(entry.message.recipients),
        "redirected": bool(entry.message.redirected_to),
    }


def _reserve(session: Session, entries: Sequence[ToMark], attempt_ids: Sequence[int]) -> set[int]:
    """Reserves the invoices of each attempt; returns the attempts that got all of theirs. Of the others,
    whose invoice another result has, nothing stays."""
    rows = [
        {
            "definition_id": entry.work.definition_id,
            "invoice_id": invoice_id,
            "copy": copy,
            "result_id": entry.work.result_id,
            "attempt_id": attempt_id,
            "taken_at": now(),
        }
        for entry, attempt_id in zip(entries, attempt_ids, strict=True)
        if not entry.message.redirected_to
        for invoice_id, copy in sorted(entry.work.copies.items())
    ]
    if not rows:
        return set(attempt_ids)
    reserving = insert_into(session, Reservation).on_conflict_do_nothing().returning(Reservation.attempt_id)
    wanted = Counter(row["attempt_id"] for row in rows)
    got = Counter(session.connection().scalars(reserving, rows))
    without = {attempt_id for attempt_id, n in wanted.items() if got[attempt_id] < n}
    if without:
        session.execute(delete(Reservation).where(Reservation.attempt_id.in_(without)))
        session.execute(delete(Attempt).where(Attempt.id.in_(without)))
    return set(attempt_ids) - without


def _attempt(work: Work, hand: Hand, message: Message | None = None) -> dict[str, Any]:
    """The row of an attempt; with what goes out, if it is marked."""
    return {
        "run_id": work.run_id,
        "result_id": work.result_id,
        "number": work.attempts + 1,
        "worker_id": hand.worker_id,
        "mail_server_id": hand.mail_server_id,
        "version_id": work.version_id,
        "started_at": now(),
        "outcome": Outcome.SENDING,
        "message_id": work.message_id,
        "recipients": list(message.recipients if message else (address for address, _ in work.recipients)),
        "bcc": list(message.bcc if message else work.bcc),
        "redirected_to": message.redirected_to if message else "",
        "size": len(message.mail.data) if message else 0,
        "sha256": message.mail.sha256 if message else "",
        "kept": message.mail.kept if message else None,
    }


def _closing(verdict: Verdict) -> dict[str, Any]:
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


ATTEMPT = cast(Table, Attempt.__table__)
_BEGIN = insert(ATTEMPT).returning(ATTEMPT.c.id, sort_by_parameter_order=True)
_CLOSE = (
    update(ATTEMPT)
    .where(ATTEMPT.c.id == bindparam("attempt_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("ended_at", "outcome", "stage", "code", "reply", "detail", "refused", "transcript")
        }
    )
)


def take_back(session: Session, entries: Sequence[ToMark]) -> None:
    """Undoes marks of which it is not known whether they were committed, when no dot has gone out. May be
    repeated."""
    held = _lock(session, [entry.work.result_id for entry in entries])
    ours = [(entry, _ours(held, entry, (ResultStatus.SENDING,))) for entry in entries]
    undone = [(entry, found) for entry, found in ours if found is not None]
    if not undone:
        return
    unsure = Verdict(Outcome.HELD, ResultStatus.READY, "dot", detail="the database did not confirm the mark")
    open_attempts = (
        Attempt.result_id.in_([found.id for _, found in undone]),
        Attempt.outcome == Outcome.SENDING,
    )
    session.execute(
        delete(Reservation).where(Reservation.attempt_id.in_(select(Attempt.id).where(*open_attempts)))
    )
    session.execute(update(Attempt).where(*open_attempts).values(**_closing(unsure)))
    first = undone[0][0]
    changes = [Change(found, ResultStatus.READY, UNCLAIMED) for _, found in undone]
    move_each(session, first.work.run_id, changes, first.hand.worker_id)
