"""A run above the limits waits for a second person, who approves it or rejects it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import update

from tests.approvals.conftest import APPROVER, MANAGER, FourEyes
from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import NotAllowed, Refused
from webapp.lifecycle import approving
from webapp.runs import archive
from webapp.store.definitions import MessageDefinition
from webapp.workers import WorkerProcess

BigRun = Callable[[], int]


def test_start_asks_and_the_second_person_starts_it(
    four_eyes: FourEyes, big_run: BigRun, world: World, worker: WorkerProcess
) -> None:
    run_id = big_run()
    assert "Asked for approval: 3 mails, above the limit of 1." in four_eyes.start(run_id)
    assert (world.status(run_id), four_eyes.awaits(run_id)) == ("created", True)
    asked = four_eyes.asked(run_id)
    assert (asked.mails, Decimal(asked.sums["EUR"])) == (3, Decimal(363))
    assert "has started" in four_eyes.approve(run_id)
    assert (world.status(run_id), four_eyes.awaits(run_id)) == ("running", False)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 3


def test_a_run_within_the_limits_starts_at_once(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    run_id = big_run()
    four_eyes.limit(3, Decimal(363))
    assert four_eyes.start(run_id) == "Started."
    assert four_eyes.decisions(run_id) == []


@pytest.mark.parametrize(("mails", "amount"), [(2, None), (0, None), (None, Decimal("362.99"))])
def test_each_limit_holds_by_itself(
    four_eyes: FourEyes, big_run: BigRun, world: World, mails: int | None, amount: Decimal | None
) -> None:
    run_id = big_run()
    four_eyes.limit(mails, amount)
    assert "Asked for approval" in four_eyes.start(run_id)
    assert world.status(run_id) == "created"


def test_credit_notes_count_as_what_they_are_worth(four_eyes: FourEyes, world: World) -> None:
    world.add(gross="1000")
    world.add(gross="-1000")
    run_id = world.run()
    four_eyes.limit(None, Decimal(1500))
    assert "2,000.00" in four_eyes.start(run_id)


def test_every_run_of_a_chosen_definition_waits(four_eyes: FourEyes, world: World) -> None:
    four_eyes.limit(None)
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(needs_approval=True))
    world.add()
    run_id = world.run()
    assert "every run of this definition does" in four_eyes.start(run_id)


def test_create_and_start_asks_when_the_list_is_made(four_eyes: FourEyes, world: World) -> None:
    world.add()
    world.add()
    run_id = world.run(start=True)
    assert (world.status(run_id), four_eyes.awaits(run_id)) == ("created", True)
    assert four_eyes.asked(run_id).requested_by == OPERATOR.name


def test_rejected_the_run_stays_as_it_is_and_can_be_asked_for_again(
    four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with world.runtime.database.writing() as session:
        approving.reject(session, run_id, APPROVER, "The price list is missing.")
    assert (world.status(run_id), four_eyes.awaits(run_id)) == ("created", False)
    four_eyes.start(run_id)
    assert four_eyes.decisions(run_id) == ["rejected", "waiting"]


def test_a_rejection_needs_a_reason(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with pytest.raises(Refused, match="enter a reason"), world.runtime.database.writing() as session:
        approving.reject(session, run_id, APPROVER, "  ")


def test_stop_withdraws_the_request(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    assert "withdrawn" in world.stop(run_id)
    assert (four_eyes.decisions(run_id), four_eyes.awaits(run_id)) == (["withdrawn"], False)
    with pytest.raises(Refused, match="does not wait"):
        four_eyes.approve(run_id)


def test_archiving_withdraws_the_request(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with world.runtime.database.writing() as session:
        archive.archive(session, run_id, MANAGER)
    assert four_eyes.decisions(run_id) == ["withdrawn"]


def test_after_stop_what_was_approved_goes_on_without_asking(
    four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    world.stop(run_id)
    assert four_eyes.start(run_id) == "Started."


def test_pressed_twice_there_is_one_request(four_eyes: FourEyes, big_run: BigRun) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.start(run_id)
    assert "jonas@example.com has asked for approval" in four_eyes.start(run_id, OPERATOR)
    assert four_eyes.decisions(run_id) == ["waiting"]


@pytest.mark.parametrize("who", [MANAGER, OPERATOR])
def test_no_one_approves_without_the_right(
    four_eyes: FourEyes, big_run: BigRun, world: World, who: object
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with pytest.raises(NotAllowed, match="right to approve"):
        four_eyes.approve(run_id, who)  # type: ignore[arg-type]
    assert world.status(run_id) == "created"
