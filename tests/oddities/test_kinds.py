"""Each kind of oddity: mails that have it, and mails that have it not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests import factories
from tests.oddities.usual import (
    SEPTEMBER,
    bill,
    mailed,
    months,
    note_domains,
    numbers,
    oddities,
    of_run,
    rows,
)
from tests.world import World
from webapp.oddities.kinds import OddityKind
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Result, Run
from webapp.workers import WorkerProcess


def test_nothing_to_send_and_nothing_before_is_not_odd(world: World) -> None:
    found = oddities(world)
    assert (found.earlier, found.totals.invoices, found.found) == (None, 0, [])


def test_totals_are_set_beside_those_of_the_last_comparable_run(world: World) -> None:
    payers = [world.add(period=SEPTEMBER)[0] for _ in range(10)]
    run_id = mailed(world)
    for payer in payers:
        bill(world, payer)
    found = oddities(world)
    assert found.earlier is not None
    assert found.earlier.run_id == run_id
    assert (found.before.invoices, found.before.customers) == (10, 10)
    assert found.before.amounts == found.totals.amounts == {"EUR": Decimal("1210.00")}
    assert found.found == []


def test_totals_that_differ_by_more_than_the_margin_are_odd(world: World) -> None:
    payers = [world.add(period=SEPTEMBER)[0] for _ in range(20)]
    mailed(world)
    for payer in payers:
        bill(world, payer)
    for _ in range(4):
        world.add()
    assert numbers(oddities(world)) == {}  # a fifth more is not more than a fifth
    world.add()
    found = oddities(world)
    assert numbers(found) == {"number": 25, "amount": 25}
    assert [each.change for each in found.found] == [Decimal("0.25"), Decimal("0.25")]


def test_of_few_mails_no_total_is_odd(world: World) -> None:
    world.add(period=SEPTEMBER)
    mailed(world)
    for _ in range(4):
        world.add()
    world.add(gross="9000.00", currency="CHF")
    assert set(numbers(oddities(world))) == {"gone"}


@pytest.mark.parametrize("but", ["other_children", "later", "unfinished", "redirected", "chosen"])
def test_a_run_that_is_not_comparable_is_not_compared_with(world: World, but: str) -> None:
    _, of = world.add(period=SEPTEMBER)
    fields: dict[str, Any] = {
        "other_children": {"include_children": False},
        "chosen": {"invoice_ids": (of.id,)},
    }
    run_id = mailed(world, **fields.get(but, {}))
    world.add()
    with world.runtime.database.writing() as session:
        if but == "later":
            session.get_one(Run, run_id).period_from = world.choice().period_from
            session.get_one(Run, run_id).period_to = world.choice().period_to
        if but == "unfinished":
            session.get_one(Run, run_id).status = "stopped"
        if but == "redirected":
            session.execute(update(Result).values(redirected=True))
    assert oddities(world).earlier is None


def test_selected_invoices_are_not_compared(world: World) -> None:
    world.add(period=SEPTEMBER)
    mailed(world)
    _, of = world.add()
    assert oddities(world).earlier is not None
    assert oddities(world, invoice_ids=(of.id,)).earlier is None


def test_customers_who_had_a_mail_and_have_no_invoice_now_are_named(world: World) -> None:
    (gone, was), (stays, _), (skipped, _) = (world.add(period=SEPTEMBER) for _ in range(3))
    world.add("", period=SEPTEMBER)  # had no mail then
    mailed(world)
    bill(world, stays)
    bill(world, skipped, status="open")
    assert numbers(oddities(world)) == {"gone": 1}
    [row] = rows(world, OddityKind.GONE)
    assert (row.customer_id, row.invoice_id) == (gone.id, was.id)
    assert numbers(of_run(world, world.run())) == {"gone": 1}


def test_an_amount_of_more_than_five_times_the_usual_is_told(world: World) -> None:
    payer, _ = world.add(gross="500.00")
    months(world, payer, "90.00", "100.00", "9000.00")
    assert numbers(oddities(world)) == {}
    bill(world, payer, "500.01")
    assert numbers(oddities(world)) == {"large": 1}
    [row] = rows(world, OddityKind.LARGE)
    assert (row.gross, row.usual) == (Decimal("500.01"), Decimal("100.00"))


@pytest.mark.parametrize(
    ("amounts", "fields"),
    [
        (("10.00", "10.00"), {}),  # too few
        (("10.00", "10.00", "10.00"), {"currency": "USD"}),
        (("10.00", "10.00", "10.00"), {"status": "open"}),
        (("-10.00", "-10.00", "-10.00"), {}),
        (("10.00", "10.00", "100.00", "100.00"), {}),  # the higher of the two in the middle
    ],
)
def test_an_amount_without_a_usual_one_below_it_is_not_told(
    world: World, amounts: tuple[str, ...], fields: dict[str, object]
) -> None:
    payer, _ = world.add(gross="450.00")
    months(world, payer, *amounts, **fields)
    assert numbers(oddities(world)) == {}


def test_a_credit_note_is_judged_by_its_size(world: World) -> None:
    payer, _ = world.add(gross="-501.00")
    months(world, payer, "100.00", "100.00", "100.00")
    assert numbers(oddities(world)) == {"large": 1}


def test_one_address_for_many_customers_is_told(world: World) -> None:
    for _ in range(3):
        world.add("shared@customers.test")
    world.add("own@customers.test", "other@customers.test")
    assert numbers(oddities(world)) == {}
    world.add("Shared@customers.test")
    assert numbers(oddities(world)) == {"shared_address": 1}
    found = rows(world, OddityKind.SHARED)
    assert [row.notes for row in found] == [["shared@customers.test"]] * 4


def test_many_invoices_of_one_customer_do_not_share_an_address(world: World) -> None:
    payer, _ = world.add()
    for _ in range(4):
        bill(world, payer)
    assert numbers(oddities(world)) == {}


def test_a_document_that_does_not_name_the_amount_is_told(world: World) -> None:
    (_, odd), (_, changed), (_, other), _ = (world.add() for _ in range(4))
    with world.runtime.database.writing() as session:
        for of, amount in ((odd, "121.00"), (changed, "120.00"), (other, "121.00")):
            unnamed = update(TransformationResult).where(TransformationResult.invoice_id == of.id)
            session.execute(unnamed.values(unnamed_amount=Decimal(amount)))
        factories.document(session, world.runtime.documents, other, content=b"names it", file_name="b.pdf")
    assert numbers(oddities(world)) == {"unnamed_amount": 1}
    [row] = rows(world, OddityKind.UNNAMED)
    assert (row.number, row.notes) == (odd.number, [f"{odd.number}.pdf"])
    with world.runtime.database.writing() as session:
        session.execute(update(TransformationResult).values(found_in=""))
    assert numbers(oddities(world)) == {}


def test_the_first_mail_to_a_domain_is_told(world: World) -> None:
    payer, _ = world.add("a@known.test", period=SEPTEMBER)
    world.add("b@new.test")
    bill(world, payer)
    run_id = mailed(world)
    with world.runtime.database.writing() as session:
        session.execute(update(Result).values(recipients=["a@known.test"]))
    assert numbers(oddities(world)) == {}  # as long as nothing is known, every domain would be new
    note_domains(world)
    assert numbers(oddities(world)) == {"new_domain": 1}
    assert [row.notes for row in rows(world, OddityKind.NEW_DOMAIN)] == [["new.test"]]
    with world.runtime.database.writing() as session:
        session.execute(delete(CustomerEmail).where(CustomerEmail.address == "b@new.test"))
    assert numbers(of_run(world, run_id)) == {}


def test_what_another_definition_has_mailed_is_told(world: World, worker: WorkerProcess) -> None:
    _, of = world.add()
    world.deliver(worker)
    world.add()
    with world.runtime.database.writing() as session:
        other = factories.definition(session)
    assert numbers(oddities(world)) == {}
    assert numbers(oddities(world, definition_id=other.id)) == {"mailed_before": 1}
    [row] = rows(world, OddityKind.MAILED_BEFORE, definition_id=other.id)
    assert (row.number, row.notes) == (of.number, [world.definition.name])
