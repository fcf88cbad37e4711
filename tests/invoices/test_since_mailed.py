"""What differs from the last mail of an invoice: alone in its mail, or one of several; as the page, the
lists, their downloads and the filter say it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from tests import factories
from tests.delivery.started import claimed
from tests.http_client import LogIn, readable, text_of
from tests.invoices.conftest import Shelf
from tests.world import World
from webapp import keyset, since_mailed
from webapp.access import OPERATOR
from webapp.delivery.attempts import ClaimRef
from webapp.imports.folder import import_folder
from webapp.invoices import bulk, filters, narrowing, queries
from webapp.invoices.filters import InvoiceFilter
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.runs import Reservation
from webapp.workers import WorkerProcess


def collated(world: World) -> list[Invoice]:
    """One customer with three approved invoices, A-1 to A-3, whose definition mails them together."""
    payer, _ = world.add("pay@one.test", number="A-1")
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(collate=True, subject="Invoices"))
        for number in ("A-2", "A-3"):
            of = factories.invoice(session, payer, number=number)
            factories.document(session, world.runtime.documents, of)
        texts = "UPDATE template_text SET source = 'x'"
        session.connection().exec_driver_sql(texts)
    return every_invoice(world)


def every_invoice(world: World) -> list[Invoice]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(Invoice).order_by(Invoice.number)))


def told(world: World) -> dict[str, str]:
    """Number → what has changed since it was mailed; the filter must find these and no others."""
    with world.runtime.database.reading() as session:
        invoices = {each.id: each for each in session.scalars(select(Invoice))}
        found = since_mailed.load(session, list(invoices.values()))
        page, count = queries.listing(session, OPERATOR, InvoiceFilter(changed=True), "", None)
        matching = filters.matching(session, OPERATOR, InvoiceFilter(changed=True))
        by_filter = set(session.scalars(select(Invoice.id).where(*matching)))
    assert by_filter == set(found) == {row.id for row in page.rows}
    assert (count.n, count.more) == (len(found), False)
    return {invoices[id].number: since_mailed.words(since, invoices[id]) for id, since in found.items()}


def set_on(world: World, number: str, **values: object) -> None:
    """A change by a page, as far as the database sees it."""
    with world.runtime.database.writing() as session:
        session.execute(update(Invoice).where(Invoice.number == number).values(**values))
        since_mailed.mark(session, Invoice.number == number)


def test_each_invoice_of_a_mail_with_several_is_compared(world: World, worker: WorkerProcess) -> None:
    collated(world)
    run = world.deliver(worker)
    assert [result.status for result in world.results(run)] == ["sent"]
    assert told(world) == {}
    set_on(world, "A-2", gross_amount=Decimal("90.5"), currency="CHF")
    assert told(world) == {"A-2": "gross amount EUR 121.00 → CHF 90.50"}
    set_on(world, "A-2", gross_amount=Decimal(121), currency="EUR")
    assert told(world) == {}, "as it was mailed again"
    third = next(each.id for each in every_invoice(world) if each.number == "A-3")
    with world.runtime.database.writing() as session:
        bulk.close(session, OPERATOR, [Invoice.id == third])
    assert told(world) == {"A-3": "status approved → closed"}


def test_documents_that_were_replaced_removed_or_added(world: World, worker: WorkerProcess) -> None:
    invoices = collated(world)
    world.deliver(worker)
    with world.runtime.database.writing() as session:
        ids = [each.id for each in invoices]
        first, second, third = (TransformationResult.invoice_id == id for id in ids)
        session.execute(update(TransformationResult).where(first).values(sha256="1" * 64))
        session.execute(delete(TransformationResult).where(second))
        session.execute(update(TransformationResult).where(third).values(file_name="other name.pdf"))
        since_mailed.mark(session, Invoice.id.in_(ids))
    assert told(world) == {
        "A-1": "Invoice PDF A-1.pdf → A-1.pdf (another file)",
        "A-2": "Invoice PDF A-2.pdf → none",
    }, "a new name is no change"
    with world.runtime.database.writing() as session:
        again = session.get_one(Invoice, ids[2])
        factories.document(
            session, world.runtime.documents, again, file_name="more.pdf", content=b"%PDF-more"
        )
        since_mailed.mark(session, Invoice.id == ids[2])
    assert told(world)["A-3"] == "Invoice PDF none → more.pdf"


def test_the_last_mail_counts(world: World, worker: WorkerProcess) -> None:
    world.add("pay@one.test", number="A-1")
    world.deliver(worker)
    set_on(world, "A-1", gross_amount=Decimal(50))
    assert told(world) == {"A-1": "gross amount EUR 121.00 → EUR 50.00"}
    again = world.run(resend_already_sent=True)
    world.start(again)
    world.work(worker, again)
    assert told(world) == {}
    set_on(world, "A-1", gross_amount=Decimal(121))
    assert told(world) == {"A-1": "gross amount EUR 50.00 → EUR 121.00"}


def test_mails_of_which_nothing_is_known_are_not_compared(world: World, worker: WorkerProcess) -> None:
    world.add("pay@one.test", number="A-1")
    world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.execute(update(Reservation).values(gross_amount=None, currency="", documents=""))
    set_on(world, "A-1", gross_amount=Decimal(50))
    assert told(world) == {}


def test_what_an_import_changes_is_found(world: World, worker: WorkerProcess, tmp_path: Path) -> None:
    world.add("pay@one.test", number="A-1")
    world.add("pay@two.test", number="A-2")
    world.deliver(worker)
    invoices = every_invoice(world)
    files = {
        "invoices.csv": "number,customer_code,status,period_start,period_end,issue_date,due_date,currency,"
        "net_amount,tax_amount,gross_amount\n"
        f"A-1,{code(world, invoices[0])},approved,2026-10-01,2026-10-31,2026-11-01,,EUR,1,0,1\n",
        "transformation_results.csv": "invoice_number,transformation,file\nA-2,Invoice PDF,new.pdf\n",
        "new.pdf": "%PDF-1.4 new",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    import_folder(world.runtime.database, world.runtime.documents, tmp_path)
    assert told(world) == {
        "A-1": "gross amount EUR 121.00 → EUR 1.00",
        "A-2": "Invoice PDF A-2.pdf → new.pdf",
    }


def code(world: World, invoice: Invoice) -> str:
    """The code of the invoice's customer."""
    with world.runtime.database.reading() as session:
        return session.get_one(Customer, invoice.customer_id).code


def test_a_change_while_the_mail_is_prepared_is_found(world: World, worker: WorkerProcess) -> None:
    world.add("pay@one.test", number="A-1")
    run_id = world.run()
    world.start(run_id)
    claim, [work] = claimed(world, worker, run_id)
    set_on(world, "A-1", gross_amount=Decimal(50))
    with world.runtime.database.reading() as session:
        server_id = session.scalars(select(MailServer.id)).one()
    world.mark(work, ClaimRef(worker.id, claim.token, server_id))
    assert told(world) == {"A-1": "gross amount EUR 121.00 → EUR 50.00"}


def test_lists_and_downloads_say_it(
    log_in: LogIn, shelf: Shelf, world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deliver(worker)
    browser = log_in("manager")
    assert "changed since mailed" not in browser.look("/invoices").text
    set_on(world, "NT-1", gross_amount=Decimal("90.50"))
    words = "changed since mailed: gross amount EUR 100.00 → EUR 90.50"
    assert words in text_of(browser.look("/invoices"))
    for walked in (False, True):
        if walked:
            monkeypatch.setattr(narrowing, "FEW_MAX", 0)
            monkeypatch.setattr(keyset, "PAGE_SIZE", 1)
        page = browser.look("/invoices?changed=y").text
        assert re.findall(r'class="row-title" href="/invoices/\d+">([^<]*)', page) == ["NT-1"]
    customer = text_of(browser.look(f"/customers/{shelf.customers['Ärzte am Markt']}"))
    assert words in customer
    assert "Changed since mailed" in customer
    assert "gross amount EUR 100.00 → EUR 90.50" in readable(browser.look("/invoices.csv?changed=y"))
    assert "changed_since_mailed" in readable(browser.look("/invoices.xlsx?changed=y"))
