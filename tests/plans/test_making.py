"""What a date of a plan makes: the run, in whose name, and what is done with it then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests import factories
from tests.plans.conftest import OWNER, THIRD_OF_NOVEMBER, Plans
from webapp.plans import making
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.invoices import TransformationResult
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.store.users import AuditEntry, User, UserCluster


def test_a_date_makes_its_run_and_starts_it(plans: Plans) -> None:
    plans.world.add()
    plan_id = plans.add()
    plans.work(THIRD_OF_NOVEMBER - timedelta(seconds=1))
    assert plans.runs() == []
    plans.work()
    [run], [occurrence] = plans.runs(), plans.occurrences()
    assert (run.status, run.created_by, run.started_by) == ("running", OWNER, OWNER)
    assert (run.period_from, run.period_to, run.include_children) == (*factories.OCTOBER, True)
    assert (occurrence.run_id, occurrence.day, occurrence.state) == (run.id, date(2026, 11, 3), "started")
    assert occurrence.late_minutes is None
    plan = plans.plan(plan_id)
    assert (plan.next_day, plan.problem) == (date(2026, 12, 2), "")
    plans.work()
    assert len(plans.runs()) == len(plans.occurrences()) == 1


def test_what_was_done_is_in_the_audit_trail(plans: Plans) -> None:
    plans.world.add()
    plans.add()
    plans.work()
    with plans.world.runtime.database.reading() as session:
        noted = session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject)).all()
    assert ("Mailrun", "plan made a run", "plan Monthly") in noted
    assert (OWNER, "create", "run 1") in noted
    assert (OWNER, "start", "run 1") in noted


@pytest.mark.parametrize(("action", "state"), [("wait", "waiting"), ("create", "created")])
def test_a_plan_that_only_creates_or_waits_starts_nothing(plans: Plans, action: str, state: str) -> None:
    plans.world.add()
    plans.add(action=action)
    plans.work()
    [run], [occurrence] = plans.runs(), plans.occurrences()
    assert (run.status, occurrence.state) == ("created", state)
    assert bool(run.problem) == (action == "wait")


@pytest.mark.parametrize(("hours", "state", "runs"), [(11, "started", 1), (13, "skipped", 0)])
def test_a_missed_date_is_made_late_or_skipped(plans: Plans, hours: int, state: str, runs: int) -> None:
    plans.world.add()
    plan_id = plans.add()
    plans.work(THIRD_OF_NOVEMBER + timedelta(hours=hours))
    [occurrence] = plans.occurrences()
    assert (occurrence.state, len(plans.runs())) == (state, runs)
    assert occurrence.late_minutes == (hours * 60 if runs else None)
    assert plans.plan(plan_id).next_day == date(2026, 12, 2)


def test_every_date_of_a_long_absence_is_told_once(plans: Plans) -> None:
    """Three months without a worker, and a limit of 40 days: the last two are made, the first is not."""
    plan_id = plans.add(late_hours_max=24 * 40)
    plans.work(datetime(2027, 1, 12, 12, tzinfo=UTC))
    told = [(each.day, each.state) for each in plans.occurrences()]
    assert told == [
        (date(2026, 11, 3), "skipped"),
        (date(2026, 12, 2), "skipped"),
        (date(2027, 1, 5), "unexpected"),
    ]
    assert [run.period_from for run in plans.runs()] == [date(2026, 12, 1)]
    assert plans.plan(plan_id).next_day == date(2027, 2, 2)


Harm = Callable[[Session, Plans], None]


def disable(session: Session, plans: Plans) -> None:
    session.execute(update(User).values(disabled_at=now()))


def take_the_right_to_send(session: Session, plans: Plans) -> None:
    session.execute(update(User).values(may_send=False))


def demote(session: Session, plans: Plans) -> None:
    session.execute(update(User).values(role="viewer"))


def bind_elsewhere(session: Session, plans: Plans) -> None:
    other = factories.cluster(session, "elsewhere")
    session.add(UserCluster(user_id=session.scalars(select(User.id)).one(), cluster_id=other.id))


def retire(session: Session, plans: Plans) -> None:
    session.execute(update(MessageDefinition).values(retired_at=now()))


HARMS = (disable, take_the_right_to_send, demote, bind_elsewhere, retire)


@pytest.mark.parametrize("harm", HARMS)
def test_a_plan_whose_owner_may_not_is_held_and_says_so(plans: Plans, harm: Harm) -> None:
    plans.world.add()
    plan_id = plans.add()
    with plans.world.runtime.database.writing() as session:
        harm(session, plans)
    plans.work()
    [occurrence], plan = plans.occurrences(), plans.plan(plan_id)
    assert (plans.runs(), occurrence.state) == ([], "held")
    assert occurrence.detail == plan.problem != ""
    assert plan.next_day == date(2026, 12, 2)


@pytest.mark.parametrize("harm", HARMS[:4])
def test_rights_lost_while_the_list_is_made_start_nothing(plans: Plans, harm: Harm) -> None:
    plans.world.add()
    plans.add()
    making.work_off(plans.world.runtime, THIRD_OF_NOVEMBER)
    with plans.world.runtime.database.writing() as session:
        harm(session, plans)
    plans.work()
    [run], [occurrence] = plans.runs(), plans.occurrences()
    assert (run.status, occurrence.state) == ("created", "held")
    assert run.problem == occurrence.detail != ""


def test_a_run_above_the_limits_waits_for_its_second_person(plans: Plans) -> None:
    plans.world.add()
    plans.world.add()
    plans.add()
    with plans.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(approval_mails=1))
    plans.work()
    [run], [occurrence] = plans.runs(), plans.occurrences()
    assert (run.status, run.awaits_approval, occurrence.state) == ("created", True, "asked")


def test_a_run_that_a_person_started_meanwhile_is_left_alone(plans: Plans) -> None:
    plans.world.add()
    plans.add(action="wait")
    making.work_off(plans.world.runtime, THIRD_OF_NOVEMBER)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(Run).values(start_when_created=True))
    plans.work()
    [run], [occurrence] = plans.runs(), plans.occurrences()
    assert (run.status, run.problem, occurrence.state) == ("running", None, "taken")


def test_a_plan_paused_while_the_list_is_made_starts_nothing(plans: Plans) -> None:
    plans.world.add()
    plans.add()
    making.work_off(plans.world.runtime, THIRD_OF_NOVEMBER)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(Plan).values(paused_at=now(), next_at=None))
    plans.work()
    assert (plans.runs()[0].status, plans.occurrences()[0].state) == ("created", "waiting")


def test_nothing_is_made_while_the_installation_is_held(plans: Plans) -> None:
    plans.world.add()
    plans.add()
    with plans.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(key_check="another"))
    assert not making.has_work(plans.world.runtime, THIRD_OF_NOVEMBER)
    plans.work()
    assert plans.occurrences() == []


def earlier_run(plans: Plans) -> int:
    """A run of September that was started: two invoices of 121.00 each."""
    with plans.world.runtime.database.writing() as session:
        home = session.get_one(Cluster, plans.world.everybody.id)
        for _n in range(2):
            of = factories.invoice(
                session, factories.customer(session, home), period=(date(2026, 9, 1), date(2026, 9, 30))
            )
            factories.document(session, plans.world.runtime.documents, of)
    run_id = plans.world.run(period_from=date(2026, 9, 1), period_to=date(2026, 9, 30))
    plans.world.start(run_id)
    return run_id


@pytest.mark.parametrize(
    ("amounts", "expected", "finding"),
    [
        (("121.00", "121.00"), {"count_margin": 0, "sum_margin": 0}, ""),
        (("121.00",), {"count_margin": 50}, ""),
        (("121.00",), {"count_margin": 49}, "1 invoices to send, where run 1 had 2: more than 49% apart."),
        (("121.00", "145.20"), {"sum_margin": 10}, ""),
        (("121.00", "145.21"), {"sum_margin": 10}, "more than 10% apart."),
        (("121.00", "145.21"), {}, ""),
        ((), {}, "No invoice of this run can be sent."),
    ],
)
def test_count_and_sum_are_held_against_the_last_run_like_it(
    plans: Plans, amounts: tuple[str, ...], expected: dict[str, int], finding: str
) -> None:
    earlier_run(plans)
    for gross in amounts:
        plans.world.add(gross=gross)
    plans.add(**expected)
    plans.work()
    [occurrence], run = plans.occurrences(), plans.runs()[-1]
    assert occurrence.state == ("unexpected" if finding else "started")
    assert run.status == ("created" if finding else "running")
    assert finding in " ".join(occurrence.findings)
    assert bool(occurrence.findings) == bool(finding)
    assert finding in (run.problem or "")


def test_without_an_earlier_run_a_margin_waits_for_a_person(plans: Plans) -> None:
    plans.world.add()
    plans.add(count_margin=10)
    plans.work()
    assert plans.occurrences()[0].findings == ["There is no earlier run to compare this one with."]
    assert plans.runs()[0].status == "created"


def test_a_suspect_document_and_many_skipped_are_not_as_expected(plans: Plans) -> None:
    plans.world.add()
    plans.world.add("")
    _customer, of = plans.world.add()
    with plans.world.runtime.database.writing() as session:
        suspect = update(TransformationResult).where(TransformationResult.invoice_id == of.id)
        session.execute(suspect.values(finding="not_named", suspect=True))
    plans.add(skipped_max=66)
    plans.work()
    assert plans.occurrences()[0].findings == [
        "1 invoice has a suspect document.",
        "2 of 3 invoices are skipped, more than 66%.",
    ]
    assert plans.runs()[0].status == "created"


def test_what_is_not_looked_at_holds_nothing_up(plans: Plans) -> None:
    plans.world.add()
    plans.world.add("")
    plans.add(skipped_max=50)
    plans.work()
    assert plans.occurrences()[0].state == "started"


def test_a_plan_whose_country_is_not_known_any_more_keeps_no_other_waiting(plans: Plans) -> None:
    plans.world.add()
    lost = plans.add(name="Lost", country="XX")
    plans.add()
    plans.work()
    assert len(plans.runs()) == 2
    stored = plans.plan(lost)
    assert (stored.next_at, stored.paused_by) == (None, "Mailrun")
    assert "Change the rule" in stored.problem
