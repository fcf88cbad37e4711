"""The commits around a message's last byte: mark it, take the mark back, settle what became of it.

These three are why an invoice goes out once. Each is one transaction, conditional on the claim's token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.runs.messages import Message
from webapp.runs.moves import UNCLAIMED, Held, move
from webapp.runs.pace import count_sent
from webapp.runs.verdicts import Verdict
from webapp.runs.work import Work
from webapp.store.database import hold_run
from webapp.store.runs import Attempt, Reservation, Result, Run
from webapp.store.statuses import Outcome, ResultStatus, RunStatus
from webapp.store.types import now
from webapp.store.upsert import insert_into

SENDABLE = (ResultStatus.READY, ResultStatus.DEFERRED)
BREAKS_BEFORE_DEFERRED = 2


@dataclass(frozen=True)
class Hand:
    """Whose claim it is, over which server: what every commit about a result is conditional on."""

    worker_id: int
    token: str
    mail_server_id: int


class NotHeld(Exception):
    """The mark does not hold: the claim is no longer ours, or another result has the invoice."""


class RunStopped(NotHeld):
    """The mark does not hold because the run does not run any more."""


def mark(session: Session, work: Work, hand: Hand, message: Message) -> int:
    """Commits, before the last byte goes out, that the message is on the wire; returns the attempt's id.

    1. The run still runs: read in a second statement, under the run's shared lock, so that Stop is exact.
    2. The result is still ours (token) and still `ready` or `deferred`: it becomes `sending`.
    3. The attempt is stored with what will have gone out.
    4. Each invoice is reserved as this copy, unless the mail goes to the redirect address.

    Raises NotHeld, and nothing is stored, if any of these fails.
    """
    hold_run(session, work.run_id, exclusive=False)
    if not session.scalar(select(exists().where(Run.id == work.run_id, Run.status == RunStatus.RUNNING))):
        raise RunStopped("the run was stopped")
    held = _ours(session, work.result_id, hand.token, SENDABLE)
    if held is None:
        raise NotHeld("the claim is no longer ours")
    attempt = _attempt(work, hand, message)
    session.add(attempt)
    session.flush()
    if not message.redirected_to:
        _reserve(session, work, attempt.id)
    values = {
        "attempts": attempt.number,
        "first_try_at": work.first_try_at or attempt.started_at,
        "next_try_at": None,
        "message_id": work.message_id,
        "recipients": list(message.recipients),
        "redirected": bool(message.redirected_to),
    }
    move(session, work.run_id, [held], ResultStatus.SENDING, worker_id=hand.worker_id, values=values)
    return attempt.id


def settle(
    session: Session, settings: Settings, work: Work, hand: Hand, verdict: Verdict, attempt_id: int | None
) -> None:
    """Stores what became of an attempt. May be repeated: the second time finds it stored.

    `attempt_id` is the mark's, or None if nothing was marked: then the attempt is stored here. A result that
    was declared `unconfirmed` meanwhile is settled by this proof, unless a person has touched it since (no
    token): then only the attempt, and the reservation, learn the truth."""
    marked = attempt_id is not None
    held = _ours(session, work.result_id, hand.token, AFTER_THE_MARK if marked else SENDABLE)
    if attempt_id is None:
        if held is None:
            return
        session.add(_attempt(work, hand, None, verdict))
    else:
        _close_attempt(session, attempt_id, verdict)
        if not verdict.went:
            session.execute(delete(Reservation).where(Reservation.attempt_id == attempt_id))
    if held is not None:
        _settle_result(session, settings, work, hand, held, verdict, marked)


AFTER_THE_MARK = (ResultStatus.SENDING, ResultStatus.UNCONFIRMED)


def _settle_result(
    session: Session,
    settings: Settings,
    work: Work,
    hand: Hand,
    held: Held,
    verdict: Verdict,
    marked: bool,
) -> None:
    to, values = _fate(settings, work, held, verdict)
    values |= {**UNCLAIMED, "smtp_reply": verdict.reply, "warning": _warning(verdict.refused)}
    if not marked:
        values |= {"attempts": work.attempts + 1, "first_try_at": work.first_try_at or now()}
    if held.status == to and to in SENDABLE:  # it stays where it was, to be claimed again
        session.execute(update(Result).where(Result.id == held.id).values(**values))
    else:
        move(session, work.run_id, [held], to, worker_id=hand.worker_id, values=values)
    if to == ResultStatus.SENT:
        count_sent(session, work.run_id, hand.worker_id)


def _fate(
    settings: Settings, work: Work, held: Held, verdict: Verdict
) -> tuple[ResultStatus, dict[str, Any]]:
    """The status that a verdict leads to, with the columns that belong to it.

    A connection that broke before the last byte leaves the result to be tried again: at once the first time,
    later from the second on, so that one message cannot hold up the rest. Retries end when it is time to give
    up."""
    if verdict.status == ResultStatus.SENT:
        return ResultStatus.SENT, {"sent_at": now(), "detail": verdict.detail}
    if verdict.status == ResultStatus.READY:
        values: dict[str, Any] = {"breaks": work.breaks + 1, "detail": verdict.detail}
        if work.breaks + 1 < BREAKS_BEFORE_DEFERRED:
            if (
                held.status == ResultStatus.UNCONFIRMED
            ):  # declared so while this worker was away: a late proof
                return ResultStatus.DEFERRED, {**values, "next_try_at": now()}
            return (held.status if held.status in SENDABLE else ResultStatus.READY), values
    elif verdict.status == ResultStatus.DEFERRED:
        values = {"detail": verdict.detail}
    else:
        return verdict.status, {"detail": verdict.detail}
    next_try = _next_try(settings, work)
    if next_try is None:
        words = f"gave up after {work.attempts + 1} attempts: {verdict.reply or verdict.detail}"
        return ResultStatus.FAILED, {**values, "detail": words}
    return ResultStatus.DEFERRED, {**values, "next_try_at": next_try}


def _next_try(settings: Settings, work: Work) -> datetime | None:
    """When to try again: after retry_first seconds, doubling up to retry_last; None when it is time to give
    up."""
    if work.first_try_at and now() - work.first_try_at > timedelta(seconds=settings.give_up):
        return None
    pause = min(settings.retry_first * 2 ** min(work.attempts, 30), settings.retry_last)
    return now() + timedelta(seconds=pause)


def _ours(session: Session, result_id: int, token: str, statuses: tuple[ResultStatus, ...]) -> Held | None:
    """The result, locked, if it bears our token and is in one of these statuses.

    The status is looked at after the lock is had: a commit of ours whose answer was lost may still be under
    way."""
    row = session.execute(
        select(Result.id, Result.status, Result.reason)
        .where(Result.id == result_id, Result.token == token)
        .with_for_update()
    ).one_or_none()
    if row is None or row.status not in statuses:
        return None
    return Held(row.id, ResultStatus(row.status), row.reason)


def _reserve(session: Session, work: Work, attempt_id: int) -> None:
    """Takes the reservation of each invoice. One that is taken already means that another result sends it."""
    rows = [
        {
            "definition_id": work.definition_id,
            "invoice_id": invoice_id,
            "copy": copy,
            "result_id": work.result_id,
            "attempt_id": attempt_id,
            "taken_at": now(),
        }
        for invoice_id, copy in sorted(work.copies.items())
    ]
    reserving = insert_into(session, Reservation).values(rows).on_conflict_do_nothing()
    taken = session.execute(reserving.returning(Reservation.invoice_id)).all()
    if len(taken) < len(rows):
        raise NotHeld("another result has reserved the invoice")


def _attempt(work: Work, hand: Hand, message: Message | None, verdict: Verdict | None = None) -> Attempt:
    """The row of an attempt: with what goes out (at the mark), or with what became of it before any mark."""
    attempt = Attempt(
        run_id=work.run_id,
        result_id=work.result_id,
        number=work.attempts + 1,
        worker_id=hand.worker_id,
        mail_server_id=hand.mail_server_id,
        version_id=work.version_id,
        started_at=now(),
        outcome=Outcome.SENDING,
        message_id=work.message_id,
        recipients=[address for address, _ in work.recipients],
        bcc=list(work.bcc),
    )
    if message is not None:
        attempt.recipients, attempt.bcc = list(message.recipients), list(message.bcc)
        attempt.redirected_to = message.redirected_to
        attempt.size, attempt.sha256 = len(message.mail.data), message.mail.sha256
        attempt.kept = message.mail.kept
    if verdict is not None:
        for name, value in _closing(verdict).items():
            setattr(attempt, name, value)
    return attempt


def _close_attempt(session: Session, attempt_id: int, verdict: Verdict) -> None:
    session.execute(update(Attempt).where(Attempt.id == attempt_id).values(**_closing(verdict)))


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


def _warning(refused: Mapping[str, str]) -> str:
    """Who did not get it though others did."""
    return "; ".join(f"{address} was refused: {words}" for address, words in refused.items())


def take_back(session: Session, work: Work, hand: Hand) -> None:
    """Undoes a mark of which it is not known whether it was committed, when no dot has gone out. May be
    repeated."""
    held = _ours(session, work.result_id, hand.token, (ResultStatus.SENDING,))
    if held is None:
        return
    open_attempts = session.scalars(
        select(Attempt.id).where(Attempt.result_id == work.result_id, Attempt.outcome == Outcome.SENDING)
    ).all()
    unsure = Verdict(Outcome.HELD, ResultStatus.READY, "dot", detail="the database did not confirm the mark")
    for attempt_id in open_attempts:
        session.execute(delete(Reservation).where(Reservation.attempt_id == attempt_id))
        _close_attempt(session, attempt_id, unsure)
    move(session, work.run_id, [held], ResultStatus.READY, worker_id=hand.worker_id, values=UNCLAIMED)
