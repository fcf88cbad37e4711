"""What users are told of runs, in the transaction of the event: who is told, and of what.

Of a run are told the person who started it, those who want to know of every run that they see, and those who
said so on its page or on that of its plan; not those who said there that they do not want it. No one is told
of a run that they do not see whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from webapp import telling
from webapp.access import viewer_of, whole_runs
from webapp.lifecycle.counts import counts
from webapp.lifecycle.rights import cannot_approve
from webapp.store.approvals import RunApproval
from webapp.store.mailservers import MailServer
from webapp.store.notices import (
    Notice,
    NoticeKind,
    NoticePreference,
    NoticeWay,
    PlanSubscription,
    RunSubscription,
)
from webapp.store.plans import PlanOccurrence
from webapp.store.runs import Run
from webapp.store.statuses import REASONS_TO_FIX, ResultStatus
from webapp.store.types import iso, now
from webapp.store.users import User

TOLD_STATUSES = (
    ResultStatus.SENT,
    ResultStatus.FAILED,
    ResultStatus.BOUNCED,
    ResultStatus.UNCONFIRMED,
    ResultStatus.SKIPPED,
)
"""The statuses whose numbers a notice has."""


def run_finished(session: Session, run: Run) -> None:
    """Tell that a run has finished, with its numbers. Needs the run's lock."""
    people = people_of(session, NoticeKind.RUN_FINISHED, run)
    if people:
        subject = f"run {run.id} finished {iso(run.finished_at)}"
        _tell(session, NoticeKind.RUN_FINISHED, subject, people, run, _numbers(session, run.id))


def _numbers(session: Session, run_id: int) -> dict[str, int]:
    counted = counts(session, run_id)
    told = {status.value: counted.by_status[status] for status in TOLD_STATUSES}
    open_now = sum(
        told[status] for status in (ResultStatus.FAILED, ResultStatus.BOUNCED, ResultStatus.UNCONFIRMED)
    )
    return {**told, "to_fix": open_now + sum(counted.reasons.get(reason, 0) for reason in REASONS_TO_FIX)}


def run_stopped(session: Session, run: Run, problem: str) -> None:
    """Tell that a run has stopped itself, or did not start by itself, and why. Needs the run's lock."""
    people = people_of(session, NoticeKind.RUN_STOPPED, run)
    subject = f"run {run.id} stopped {iso(now())}"
    _tell(session, NoticeKind.RUN_STOPPED, subject, people, run, {"why": problem})


def run_waits(session: Session, run: Run, server: MailServer) -> int:
    """Tell that a run waits for its mail server; return how many had not been told of this wait yet."""
    people = untold(session, run, server)
    since = iso(server.trouble_since)
    about = {"host": server.host, "name": server.name, "trouble": server.trouble, "since": since}
    return _tell(session, NoticeKind.RUN_WAITS, _wait(run, server), people, run, about)


def untold(session: Session, run: Run, server: MailServer) -> list[User]:
    """Those who want to know that this run waits for its mail server, and were not told of this wait."""
    people = people_of(session, NoticeKind.RUN_WAITS, run)
    if not people:
        return []
    ids = [one.id for one in people]
    told = select(Notice.user_id).where(
        Notice.user_id.in_(ids), Notice.kind == NoticeKind.RUN_WAITS, Notice.subject == _wait(run, server)
    )
    known = set(session.scalars(told))
    ways = telling.ways_of(session, NoticeKind.RUN_WAITS, ids)
    return [one for one in people if one.id not in known and ways.get(one.id) != NoticeWay.OFF]


def _wait(run: Run, server: MailServer) -> str:
    return f"run {run.id} waits since {iso(server.trouble_since)}"


def approval_wanted(session: Session, run: Run, asked: RunApproval) -> None:
    """Tell everyone who can decide about this request that it waits. Needs the run's lock."""
    about = {"by": asked.requested_by, "mails": asked.mails, "sums": asked.sums, "approval": asked.id}
    people = _seeing(session, run, approvers(session, run, asked))
    _tell(session, NoticeKind.APPROVAL_WANTED, f"approval {asked.id}", people, run, about)


def approvers(session: Session, run: Run, asked: RunApproval) -> Sequence[User]:
    """Everyone who has the right to approve, can log in, and is neither who created the run nor who asked."""
    users = select(User).where(User.may_approve, User.disabled_at.is_(None)).order_by(User.id)
    return [one for one in session.scalars(users) if not cannot_approve(run, asked, viewer_of(one))]


def approval_decided(session: Session, run: Run, asked: RunApproval) -> None:
    """Tell the person who asked that their run was approved, or rejected and why. Needs the run's lock."""
    about = {"by": asked.decided_by, "decision": asked.decision, "reason": asked.reason}
    one = telling.person(session, asked.requested_by)
    people = _seeing(session, run, [one] if one else [])
    _tell(session, NoticeKind.APPROVAL_DECIDED, f"approval {asked.id}", people, run, about)


def people_of(session: Session, kind: NoticeKind, run: Run) -> list[User]:
    """Those who want to be told this of the run, can log in, and see it whole."""
    users = select(User).where(User.disabled_at.is_(None), wants(kind, run)).order_by(User.id)
    return _seeing(session, run, session.scalars(users).all())


def wants(kind: NoticeKind, run: Run) -> ColumnElement[bool]:
    """Whether the User wants to be told this of the run: as they said of the run, else as they said of its
    plan; else if they want it of every run, or started this one (until it was started: created it)."""
    plans = select(PlanOccurrence.plan_id).where(PlanOccurrence.run_id == run.id)
    of_run = select(RunSubscription.wanted).where(
        RunSubscription.run_id == run.id, RunSubscription.user_id == User.id
    )
    of_plan = select(PlanSubscription.wanted).where(
        PlanSubscription.plan_id.in_(plans), PlanSubscription.user_id == User.id
    )
    by_default = or_(User.email == (run.started_by or run.created_by), wants_of_all(kind))
    return func.coalesce(of_run.scalar_subquery(), of_plan.scalar_subquery(), by_default)


def wants_of_all(kind: NoticeKind) -> ColumnElement[bool]:
    """Whether the User wants to be told this of every run."""
    of_all = select(NoticePreference.user_id).where(NoticePreference.kind == kind, NoticePreference.of_all)
    return User.id.in_(of_all)


def _seeing(session: Session, run: Run, users: Sequence[User]) -> list[User]:
    return [one for one in users if whole_runs(session, viewer_of(one), [run.id])]


def _tell(
    session: Session, kind: NoticeKind, subject: str, people: Sequence[User], run: Run, about: dict[str, Any]
) -> int:
    return telling.tell(session, kind, subject, people, {"run": run.name, **about}, run_id=run.id)
