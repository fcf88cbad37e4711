"""Stops a run when refusals pile up: a wrong address list, or a server that has had enough of us, must not
cost every customer a refusal first."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.lifecycle import runs
from webapp.store.locks import lock_run
from webapp.store.runs import Attempt, Run
from webapp.store.statuses import Outcome, RunStatus
from webapp.translation import N_

RECENT_MAILS = 50
"""How many of a run's latest attempts count: those since it was last started that got an answer about their
message."""


STOPPED_ITSELF = N_(
    "It stopped itself: the mail server refused %(refused)s of the last %(looked_at)s mails for good, the "
    "latest with “%(reply)s”. Look at what failed; Start goes on with the rest."
)


def stop_if_too_many(session: Session, settings: Settings, run_id: int) -> bool:
    """Stop a running run if `settings.refusals_to_stop` of its last RECENT_MAILS messages were refused for
    good. Returns whether it did."""
    if not settings.refusals_to_stop or _refused(session, run_id)[0] < settings.refusals_to_stop:
        return False
    lock_run(session.connection(), run_id, exclusive=True)
    run = session.get_one(Run, run_id, with_for_update=runs.LOCKED)
    refused, looked_at, reply = _refused(session, run_id)
    if run.status != RunStatus.RUNNING or refused < settings.refusals_to_stop:
        return False
    runs.stop_automatically(
        session,
        run,
        STOPPED_ITSELF % {"refused": refused, "looked_at": looked_at, "reply": reply},
    )
    return True


def _refused(session: Session, run_id: int) -> tuple[int, int, str]:
    """The number of refusals, the number of attempts looked at, and the latest refusal's reply."""
    told = (
        select(Attempt.outcome, Attempt.reply)
        .join(Run, Run.id == Attempt.run_id)
        .where(
            Attempt.run_id == run_id,
            Attempt.id > Run.refusals_counted_after,
            Attempt.outcome.in_((Outcome.ACCEPTED, Outcome.REFUSED)),
        )
        .order_by(Attempt.id.desc())
        .limit(RECENT_MAILS)
    )
    rows = session.execute(told).all()
    replies = [reply for outcome, reply in rows if outcome == Outcome.REFUSED]
    return len(replies), len(rows), replies[0] if replies else ""
