"""What a source replaces is not in the next mail, and stays where a mail went out with it."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

from sqlalchemy import select

from tests.imports import folders
from tests.pdfs import pdf
from tests.world import World
from webapp.access import OPERATOR
from webapp.imports.folder import import_folder
from webapp.messages import sent_mail
from webapp.results import detail, resend
from webapp.results.bulk import BulkSelection
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.workers import WorkerProcess


def attached(data: bytes) -> list[str | None]:
    mail = message_from_bytes(data, policy=policy.default)
    return [part.get_filename() for part in mail.iter_attachments()]


def corrected(tmp_path: Path, payer: Customer, invoice: Invoice) -> Path:
    """A folder with a new address of this customer, and a corrected document of its invoice."""
    head, documents = "customer_code,key,address,display_name\n", "invoice_number,transformation,file\n"
    return folders.write(
        tmp_path / "corrected",
        {"right.pdf": pdf(f"Invoice {invoice.number}", payer.code, payer.name, "corrected")},
        emails_csv=head + f"{payer.code},billing,new@customers.test,\n",
        transformation_results_csv=documents + f"{invoice.number},Invoice PDF,right.pdf\n",
    )


def test_a2_a3_the_next_mail_has_the_new_address_and_document_alone(
    world: World, worker: WorkerProcess, tmp_path: Path
) -> None:
    payer, invoice = world.add("old@customers.test")
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    [first] = world.server.taken
    import_folder(world.runtime.database, world.runtime.documents, corrected(tmp_path, payer, invoice))
    with world.runtime.database.writing() as session:
        again = BulkSelection(run_id, (result.id,))
        resend.send_again(session, world.runtime.queue, again, OPERATOR, confirmed=True)
    world.work(worker, run_id)
    _, second = world.server.taken
    assert (attached(first.data), attached(second.data)) == ([f"{invoice.number}.pdf"], ["right.pdf"])
    assert [world.server.mails_to(address) for address in ("old@customers.test", "new@customers.test")] == [
        [first], [second],
    ]  # fmt: skip
    with world.runtime.database.reading() as session:
        one = detail.find(session, OPERATOR, result.id)
        assert one is not None
        invoices = session.scalars(select(Invoice)).all()
        mail = sent_mail.as_sent(session, result.id, 1, invoices, world.runtime.documents)
    assert mail is not None
    assert sent_mail.rebuild_mail(mail, world.runtime.documents) == first.data
