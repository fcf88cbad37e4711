"""Several invoices of a customer in one mail: all are accounted for, also when a mail would be too large."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.mailserver import MailServer
from tests.world import World, make_world
from webapp.access import OPERATOR
from webapp.definitions.versions import content_of
from webapp.extensions import Runtime
from webapp.new_run.preview import preview
from webapp.new_run.preview_lists import beside, sent_together
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.selection import collation
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import ResultInvoice
from webapp.workers import WorkerProcess


@pytest.fixture
def collated(runtime: Runtime, server: MailServer) -> World:
    world = make_world(runtime, server, collate=True, subject="Invoices")
    with runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source="<p>{{ invoices|length }}</p>"))
    return world


def customer_with(world: World, address: str, invoices: int) -> list[Invoice]:
    customer, first = world.add(address)
    with world.runtime.database.writing() as session:
        payer = session.get_one(Customer, customer.id)
        more = [factories.invoice(session, payer) for _ in range(invoices - 1)]
        for invoice in more:
            factories.document(session, world.runtime.documents, invoice)
    return [first, *more]


def together(world: World, run_id: int) -> list[list[int]]:
    """The invoices of each result, in the order of the results."""
    with world.runtime.database.reading() as session:
        rows = session.execute(
            select(ResultInvoice.result_id, ResultInvoice.invoice_id)
            .where(ResultInvoice.run_id == run_id)
            .order_by(ResultInvoice.result_id, ResultInvoice.invoice_id)
        ).all()
    found: dict[int, list[int]] = {}
    for result_id, invoice_id in rows:
        found.setdefault(result_id, []).append(invoice_id)
    return list(found.values())


def names(world: World, address: str) -> list[list[str | None]]:
    mails = [
        message_from_bytes(taken.data, policy=policy.default) for taken in world.server.mails_to(address)
    ]
    return [
        [part.get_filename() for part in mail.iter_attachments()]
        for mail in mails
        if isinstance(mail, EmailMessage)
    ]


def ids(invoices: Sequence[Invoice]) -> list[int]:
    return [invoice.id for invoice in invoices]


def test_the_preview_counts_and_shows_the_mails_that_the_run_makes(collated: World) -> None:
    many = customer_with(collated, "ada@customers.test", 120)
    large = customer_with(collated, "bea@customers.test", 3)
    customer_with(collated, "eve@customers.test", 1)
    with collated.runtime.database.writing() as session:
        of_large = TransformationResult.invoice_id.in_(ids(large))
        session.execute(update(TransformationResult).where(of_large).values(size=6_000_000))
    with collated.runtime.database.reading() as session:
        choice = collated.choice()
        content = content_of(session, session.get_one(MessageDefinition, choice.definition_id))
        seen = preview(session, choice, OPERATOR)
        found = [
            [line.invoice_id for line in sent_together(session, OPERATOR, choice, content, invoice.id)]
            for invoice in (many[0], many[75], many[119], large[2])
        ]
        largest = beside(session, OPERATOR, choice, content, seen.ready).largest
    made = together(collated, collated.run())
    assert (seen.mails, seen.customers) == (len(made), 3) == (6, 3)
    assert [sorted(mail) for mail in found] == [made[0], made[1], made[2], made[4]]
    assert largest == 12_000_000 * 78 // 57 + 10_000


def test_five_invoices_make_one_mail_with_five_documents(collated: World) -> None:
    mine = customer_with(collated, "ada@customers.test", 5)
    customer_with(collated, "bea@customers.test", 1)
    run_id = collated.deliver(WorkerProcess(collated.runtime.database))
    assert collated.statuses(run_id) == ["sent", "sent"]
    assert names(collated, "ada@customers.test") == [[f"{invoice.number}.pdf" for invoice in mine]]


def test_one_that_cannot_be_sent_is_accounted_for_by_itself(collated: World) -> None:
    mine = customer_with(collated, "ada@customers.test", 5)
    run_id = collated.run()
    assert together(collated, run_id) == [ids(mine)]
    with collated.runtime.database.writing() as session:
        session.get_one(Invoice, mine[2].id).status = "open"
    collated.start(run_id)
    collated.work(WorkerProcess(collated.runtime.database), run_id)
    results = collated.results(run_id)
    assert [(result.status, result.reason) for result in results] == [
        ("sent", ""),
        ("skipped", "not_approved"),
    ]
    assert together(collated, run_id) == [ids([*mine[:2], *mine[3:]]), [mine[2].id]]
    [attached] = names(collated, "ada@customers.test")
    assert attached == [f"{invoice.number}.pdf" for invoice in [*mine[:2], *mine[3:]]]


def test_a_result_that_is_removed_takes_all_its_invoices_along(collated: World) -> None:
    customer_with(collated, "ada@customers.test", 3)
    customer_with(collated, "bea@customers.test", 2)
    run_id = collated.run()
    first = collated.results(run_id)[0]
    with collated.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, result_ids=(first.id,)), OPERATOR)
    collated.start(run_id)
    collated.work(WorkerProcess(collated.runtime.database), run_id)
    assert collated.statuses(run_id) == ["removed", "sent"]
    assert names(collated, "ada@customers.test") == []
    assert [len(invoices) for invoices in together(collated, run_id)] == [3, 2]


def test_a_mail_that_would_have_too_many_invoices_becomes_several(
    collated: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collation, "INVOICES_PER_MAIL_MAX", 3)
    mine = customer_with(collated, "ada@customers.test", 7)
    other = customer_with(collated, "bea@customers.test", 3)
    run_id = collated.run()
    assert together(collated, run_id) == [ids(mine[:3]), ids(mine[3:6]), ids(mine[6:]), ids(other)]
    collated.start(run_id)
    collated.work(WorkerProcess(collated.runtime.database), run_id)
    assert collated.statuses(run_id) == ["sent"] * 4
    assert sorted(len(mail) for mail in names(collated, "ada@customers.test")) == [1, 3, 3]


def test_a_mail_that_would_be_too_large_becomes_several_and_a_giant_goes_alone(
    collated: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collation, "BYTES_PER_MAIL_MAX", 1_000)
    mine = customer_with(collated, "ada@customers.test", 5)
    sizes = dict(zip(ids(mine), (400, 600, 5_000, 700, 301), strict=True))
    with collated.runtime.database.writing() as session:
        for invoice_id, size in sizes.items():
            row = update(TransformationResult).where(TransformationResult.invoice_id == invoice_id)
            session.execute(row.values(size=size))
    run_id = collated.run()
    assert together(collated, run_id) == [ids(mine[:2]), [mine[2].id], [mine[3].id], [mine[4].id]]
    assert collated.statuses(run_id) == ["ready"] * 4
