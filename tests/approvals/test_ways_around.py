"""Thirty ways around the second person. After each, no mail of the run has been let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from tests import factories
from tests.approvals.conftest import APPROVER, MANAGER, FourEyes
from tests.world import World
from webapp.access import OPERATOR
from webapp.definitions import editing
from webapp.errors import NotFound, Refused
from webapp.lifecycle import runs
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.customers import Cluster, Customer, CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import ResultInvoice, Run
from webapp.store.statuses import Role, RunStatus
from webapp.store.users import User
from webapp.users import accounts

BigRun = Callable[[], int]
SENT_TO = "attacker@example.com"


def first_result(world: World, run_id: int) -> BulkSelection:
    return BulkSelection(run_id, (world.results(run_id)[0].id,))


def change(world: World, statement: Any) -> None:
    with world.runtime.database.writing() as session:
        session.execute(statement.execution_options(synchronize_session=False))


def another_address(world: World, run_id: int) -> None:
    customer = world.results(run_id)[0].customer_id
    change(world, update(CustomerEmail).where(CustomerEmail.customer_id == customer).values(address=SENT_TO))


def one_more_address(world: World, run_id: int) -> None:
    customer = world.results(run_id)[0].customer_id
    with world.runtime.database.writing() as session:
        key = session.scalars(select(CustomerEmail.recipient_key_id)).first()
        session.add(CustomerEmail(customer_id=customer, recipient_key_id=key, address=SENT_TO))


def no_address(world: World, run_id: int) -> None:
    customer = world.results(run_id)[0].customer_id
    change(world, delete(CustomerEmail).where(CustomerEmail.customer_id == customer))


def another_document(world: World, run_id: int) -> None:
    invoice = world.results(run_id)[0].lead_invoice_id
    digest = world.runtime.documents.put(b"%PDF of another customer")
    of_it = TransformationResult.invoice_id == invoice
    change(world, update(TransformationResult).where(of_it).values(sha256=digest))


def another_file_name(world: World, run_id: int) -> None:
    invoice = world.results(run_id)[0].lead_invoice_id
    of_it = TransformationResult.invoice_id == invoice
    change(world, update(TransformationResult).where(of_it).values(file_name="other.pdf"))


def no_document(world: World, run_id: int) -> None:
    invoice = world.results(run_id)[0].lead_invoice_id
    change(world, delete(TransformationResult).where(TransformationResult.invoice_id == invoice))


def another_amount(world: World, run_id: int) -> None:
    change(world, update(Invoice).values(gross_amount=Decimal(242)))


def another_currency(world: World, run_id: int) -> None:
    change(world, update(Invoice).values(currency="USD"))


def another_name(world: World, run_id: int) -> None:
    change(world, update(Customer).values(name="Someone else"))


def another_language(world: World, run_id: int) -> None:
    change(world, update(Customer).values(language="fr"))


def another_bcc(world: World, run_id: int) -> None:
    change(world, update(Run).values(bcc=[SENT_TO]))


def another_copy(world: World, run_id: int) -> None:
    change(world, update(ResultInvoice).values(copy=2))


def one_removed(world: World, run_id: int) -> None:
    with world.runtime.database.writing() as session:
        actions.remove(session, first_result(world, run_id), MANAGER)


def one_put_back(world: World, run_id: int) -> None:
    one_removed(world, run_id)
    with world.runtime.database.writing() as session:
        runs.stop(session, run_id, MANAGER)
        runs.start(session, world.runtime.queue, run_id, MANAGER)
        actions.put_back(session, world.runtime.queue, first_result(world, run_id), MANAGER)


CHANGES = (
    *(another_address, one_more_address, no_address, another_document, another_file_name, no_document),
    *(another_amount, another_currency, another_name, another_language, another_bcc, another_copy),
    *(one_removed, one_put_back),
)


@pytest.mark.parametrize("changed", CHANGES, ids=lambda each: each.__name__)
def test_a_list_that_changed_after_the_request_is_not_approved(
    four_eyes: FourEyes, big_run: BigRun, world: World, changed: Callable[[World, int], None]
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    seen = four_eyes.asked(run_id).digest
    changed(world, run_id)
    with pytest.raises(Refused, match="list has changed"):
        four_eyes.approve(run_id, seen=seen)
    assert world.status(run_id) == RunStatus.CREATED


@pytest.mark.parametrize("changed", CHANGES[:6], ids=lambda each: each.__name__)
def test_what_changes_while_an_approved_run_is_stopped_needs_another_approval(
    four_eyes: FourEyes, big_run: BigRun, world: World, changed: Callable[[World, int], None]
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    world.stop(run_id)
    changed(world, run_id)
    assert "Asked for approval" in four_eyes.start(run_id)
    assert world.status(run_id) == RunStatus.STOPPED


OF_ANOTHER_LIST = "0" * 64


@pytest.mark.parametrize("seen", ["", OF_ANOTHER_LIST])
def test_a_form_that_names_no_list_or_another_approves_nothing(
    four_eyes: FourEyes, big_run: BigRun, world: World, seen: str
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with pytest.raises(Refused, match="list has changed"):
        four_eyes.approve(run_id, seen=seen)
    assert world.status(run_id) == RunStatus.CREATED


def test_neither_who_created_it_nor_who_started_it_approves(
    four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    change(world, update(Run).values(created_by="anna@example.com"))
    four_eyes.start(run_id)
    for name, words in ((MANAGER.name, "asked for this"), ("anna@example.com", "created this run")):
        with pytest.raises(Refused, match=words):
            four_eyes.approve(run_id, replace(APPROVER, name=name))
    assert world.status(run_id) == RunStatus.CREATED


def test_an_approver_of_other_clusters_approves_nothing(
    four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with world.runtime.database.writing() as session:
        beside = factories.cluster(session, "beside").id
        below = factories.cluster(session, "below", session.get_one(Cluster, world.everybody.id)).id
    with pytest.raises(NotFound):
        four_eyes.approve(run_id, replace(APPROVER, clusters=frozenset({beside})))
    with world.runtime.database.writing() as session:
        session.execute(update(Customer).values(cluster_id=below))
    with pytest.raises(Refused, match="You see a part"):
        four_eyes.approve(run_id, replace(APPROVER, clusters=frozenset({below})))
    assert world.status(run_id) == RunStatus.CREATED


@pytest.mark.parametrize("taken", ["right", "role", "account", "clusters"])
def test_what_is_taken_from_the_person_who_asked_holds(
    four_eyes: FourEyes, big_run: BigRun, world: World, taken: str
) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    with world.runtime.database.writing() as session:
        if taken == "right":
            accounts.change(session, MANAGER.name, may_send=False)
        elif taken == "role":
            accounts.change(session, MANAGER.name, Role.VIEWER)
        elif taken == "account":
            session.execute(delete(User).where(User.email == MANAGER.name))
        else:
            factories.cluster(session, "beside")
            accounts.change(session, MANAGER.name, clusters=["beside"])
    with pytest.raises(Refused, match="may no longer send"):
        four_eyes.approve(run_id)
    assert world.status(run_id) == RunStatus.CREATED


def test_an_approval_is_used_once(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    run_id = big_run()
    four_eyes.start(run_id)
    seen = four_eyes.asked(run_id).digest
    four_eyes.approve(run_id)
    world.stop(run_id)
    one_more_address(world, run_id)
    for _n in range(2):
        with pytest.raises(Refused, match="does not wait"):
            four_eyes.approve(run_id, seen=seen)
    assert world.status(run_id) == RunStatus.STOPPED


def test_the_commands_and_create_and_start_wait_as_well(four_eyes: FourEyes, world: World) -> None:
    for _n in range(2):
        world.add()
    started = world.run(start=True)
    created = world.run(resend_already_sent=True)
    assert "Asked for approval" in four_eyes.start(created, OPERATOR)
    assert [world.status(each) for each in (started, created)] == [RunStatus.CREATED] * 2


def test_begin_refuses_by_itself(four_eyes: FourEyes, big_run: BigRun, world: World) -> None:
    """What a plan or an address of an API would call."""
    run_id = big_run()
    with pytest.raises(Refused, match="needs an approval"), world.runtime.database.writing() as session:
        runs.begin(session, world.runtime.queue, session.get_one(Run, run_id), "a plan")
    assert world.status(run_id) == RunStatus.CREATED


def test_a_copy_of_a_definition_whose_runs_wait_has_its_runs_wait(four_eyes: FourEyes, world: World) -> None:
    change(world, update(MessageDefinition).values(needs_approval=True))
    with world.runtime.database.writing() as session:
        copied = editing.copy(session, MANAGER, session.get_one(MessageDefinition, world.definition.id))
        session.flush()
        assert copied.needs_approval


def give_addresses(world: World, customers: list[Customer]) -> None:
    with world.runtime.database.writing() as session:
        key = world.definition.recipient_key_id
        session.add_all(
            CustomerEmail(customer_id=each.id, recipient_key_id=key, address=f"c{each.id}@x.test")
            for each in customers
        )


def test_small_steps_are_measured_together(four_eyes: FourEyes, world: World, worker: Any) -> None:
    """The list is sent piece by piece: each within the limit, and the second goes beyond it."""
    customers = [world.add("")[0] for _n in range(3)]
    run_id = world.run()
    four_eyes.start(run_id)
    assert world.status(run_id) == RunStatus.FINISHED
    give_addresses(world, customers)
    ids = [result.id for result in world.results(run_id)]
    queue = world.runtime.queue
    with world.runtime.database.writing() as session:
        resend.send_again(session, queue, BulkSelection(run_id, (ids[0],)), MANAGER)
    world.work(worker, run_id)
    with world.runtime.database.writing() as session:
        resend.send_again(session, queue, BulkSelection(run_id, (ids[1],)), MANAGER)
    assert (world.status(run_id), four_eyes.awaits(run_id)) == (RunStatus.STOPPED, True)
    assert world.statuses(run_id) == ["sent", "ready", "skipped"]
    four_eyes.approve(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent", "sent", "skipped"]


def test_what_is_added_to_a_running_run_beyond_the_limits_is_refused(
    four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    customers = [world.add("")[0] for _n in range(2)]
    run_id = big_run()
    four_eyes.start(run_id)
    four_eyes.approve(run_id)
    give_addresses(world, customers)
    ids = tuple(result.id for result in world.results(run_id) if result.status == "skipped")
    queue = world.runtime.queue
    with pytest.raises(Refused, match="This run is sending"), world.runtime.database.writing() as session:
        resend.send_again(session, queue, BulkSelection(run_id, ids), MANAGER)
    assert world.statuses(run_id).count("skipped") == 2
    with world.runtime.database.writing() as session:
        resend.send_again(session, queue, BulkSelection(run_id, ids[:1]), MANAGER)
    assert (world.status(run_id), world.statuses(run_id).count("ready")) == (RunStatus.RUNNING, 4)
