"""Ways to have mails go out without the second person, in runs that are sending or have finished."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from tests.approvals.conftest import MANAGER, FourEyes
from tests.approvals.test_ways_around import SENT_TO
from tests.world import World
from webapp.errors import Refused
from webapp.new_run import creation, generation
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import Invoice
from webapp.store.statuses import RunStatus
from webapp.store.types import now
from webapp.store.users import User
from webapp.users import accounts

BigRun = Callable[[], int]


def take_out(world: World, run_id: int, ids: tuple[int, ...]) -> None:
    with world.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, ids), MANAGER)


def put_back(world: World, run_id: int, ids: tuple[int, ...]) -> None:
    with world.runtime.database.writing() as session:
        actions.put_back(session, world.runtime.queue, BulkSelection(run_id, ids), MANAGER)


def redirect_all(world: World) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(CustomerEmail).values(address=SENT_TO))


def test_approved_mails_that_changed_while_they_were_out_of_the_run_need_another_approval(
    four_eyes: FourEyes, big_run: BigRun, world: World, worker: Any
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    world.stop(run_id)
    _kept, *others = [result.id for result in world.results(run_id)]
    take_out(world, run_id, tuple(others))
    four_eyes.start(run_id)
    world.work(worker, run_id)
    assert world.status(run_id) == RunStatus.FINISHED
    redirect_all(world)
    put_back(world, run_id, tuple(others))
    assert (world.status(run_id), four_eyes.awaits(run_id)) == (RunStatus.STOPPED, True)


def test_bounces_that_are_taken_out_still_count(four_eyes: FourEyes, world: World, worker: Any) -> None:
    for _n in range(3):
        world.add()
    run_id = world.run()
    first, second, third = [result.id for result in world.results(run_id)]
    take_out(world, run_id, (second, third))
    four_eyes.start(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent", "removed", "removed"]
    with world.runtime.database.writing() as session:
        actions.mark_bounced(session, BulkSelection(run_id, (first,)), MANAGER)
    take_out(world, run_id, (first,))
    put_back(world, run_id, (second,))
    assert (world.status(run_id), four_eyes.awaits(run_id)) == (RunStatus.STOPPED, True)


@pytest.mark.parametrize(
    "values",
    [
        {"net_amount": Decimal(1)},
        {"tax_amount": Decimal(1)},
        {"due_date": date(2027, 1, 1)},
        {"issue_date": date(2027, 1, 1)},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_a_mail_tells_of_an_invoice_is_part_of_what_is_approved(
    four_eyes: FourEyes, big_run: BigRun, world: World, values: dict[str, Any]
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    seen = four_eyes.asked(run_id).digest
    with world.runtime.database.writing() as session:
        session.execute(update(Invoice).values(**values))
    with pytest.raises(Refused, match="list has changed"):
        four_eyes.approve(run_id, seen=seen)


@pytest.mark.parametrize("taken", ["right", "account"])
def test_a_run_does_not_start_by_itself_for_a_person_who_may_no_longer_send(
    four_eyes: FourEyes, world: World, taken: str
) -> None:
    world.add()
    wanted = creation.RunRequest(world.choice(), start=True)
    with world.runtime.database.writing() as session:
        run_id = creation.create(session, world.runtime.queue, wanted, MANAGER).id
    with world.runtime.database.writing() as session:
        if taken == "right":
            accounts.change(session, MANAGER.name, may_send=False)
        else:
            disabled = update(User).where(User.email == MANAGER.name)
            session.execute(disabled.values(disabled_at=now()))
    generation.generate(world.runtime, run_id)
    assert world.status(run_id) == RunStatus.CREATED


def test_an_approved_mail_that_changes_while_the_run_sends_does_not_go_out(
    four_eyes: FourEyes, big_run: BigRun, world: World, worker: Any
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    redirect_all(world)
    world.work(worker, run_id, rounds=5)
    assert world.statuses(run_id) == ["ready"] * 3
    assert world.status(run_id) == RunStatus.STOPPED
    assert "Asked for approval" in four_eyes.start(run_id)


def test_few_that_change_go_out_within_the_limits(
    four_eyes: FourEyes, big_run: BigRun, world: World, worker: Any
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    first = world.results(run_id)[0].customer_id
    with world.runtime.database.writing() as session:
        theirs = update(CustomerEmail).where(CustomerEmail.customer_id == first)
        session.execute(theirs.values(address="fixed@customers.test"))
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 3
