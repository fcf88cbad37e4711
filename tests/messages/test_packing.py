"""Runs whose documents are packed: what customers get opens, what must not go out open does not, and what
went out can be proven."""

from __future__ import annotations

import io
import zipfile
from email import message_from_bytes, policy
from email.message import EmailMessage

import pikepdf
import pytest
import pyzipper
from sqlalchemy import select, update

from tests import factories
from tests.mailserver import MailServer
from tests.pdfs import pdf
from tests.world import World, make_world
from webapp.access import OPERATOR
from webapp.document_store.stores import DocumentFolder
from webapp.evidence import retention
from webapp.extensions import Runtime
from webapp.messages import sent_mail
from webapp.messages.inputs import load_inputs
from webapp.new_run.preview import preview
from webapp.store.customers import Customer
from webapp.store.definitions import TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt
from webapp.store.statuses import SkipReason
from webapp.workers import WorkerProcess

KEY = """door.code "ä" [0] 'x' %s"""  # whatever an import's column may be called


def locked(runtime: Runtime, server: MailServer, **fields: object) -> World:
    return make_world(runtime, server, password_key=KEY, **fields)


def add(world: World, address: str, metadata: dict[str, str]) -> None:
    customer, _ = world.add(address)
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = metadata


def mail_to(world: World, address: str) -> EmailMessage:
    [taken] = world.server.mails_to(address)
    mail = message_from_bytes(taken.data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def attached(mail: EmailMessage) -> list[tuple[str, bytes]]:
    return [(part.get_filename() or "", part.get_content()) for part in mail.iter_attachments()]


def test_who_has_no_password_is_skipped_and_gets_nothing(runtime: Runtime, server: MailServer) -> None:
    world = locked(runtime, server, zip=True)
    add(world, "ada@customers.test", {KEY: "s3cret", "other": "x"})
    for n, metadata in enumerate(({}, {KEY: ""}, {KEY: "  "}, {"other": "x"})):
        add(world, f"unknown{n}@customers.test", metadata)
    with runtime.database.reading() as session:
        seen = preview(session, world.choice(), OPERATOR)
    assert (seen.ready, seen.skipped[SkipReason.NO_PASSWORD]) == (1, 4)
    run_id = world.deliver(WorkerProcess(runtime.database))
    assert [(result.status, result.reason) for result in world.results(run_id)] == [
        ("sent", ""),
        *[("skipped", "no_password")] * 4,
    ]
    [(name, content)] = attached(mail_to(world, "ada@customers.test"))
    assert name.endswith(".zip")
    with pyzipper.AESZipFile(io.BytesIO(content)) as archive:
        [inside] = archive.namelist()
        with pytest.raises(RuntimeError):
            archive.read(inside)
        assert archive.read(inside, pwd=b"s3cret").startswith(b"%PDF")


@pytest.mark.parametrize("packing", [{"zip": True}, {"password_key": KEY}])
def test_what_was_altered_in_the_store_is_not_packed(
    runtime: Runtime, server: MailServer, packing: dict[str, object]
) -> None:
    """In an archive, or behind a password, no one would notice any more that it is another's."""
    world = make_world(runtime, server, **packing)
    add(world, "ada@customers.test", {KEY: "s3cret"})
    documents = runtime.documents
    assert isinstance(documents, DocumentFolder)
    [path] = [path for path in documents.root.rglob("*") if path.is_file()]
    path.write_bytes(pdf("INV-999999", "C99999", "Another Customer"))
    run_id = world.deliver(WorkerProcess(runtime.database))
    assert [(result.status, result.reason) for result in world.results(run_id)] == [
        ("skipped", SkipReason.SUSPECT_DOCUMENT)
    ]
    assert server.taken == []


def test_a_password_that_vanishes_after_the_list_was_made_skips_the_result(
    runtime: Runtime, server: MailServer
) -> None:
    world = locked(runtime, server)
    add(world, "ada@customers.test", {KEY: "s3cret"})
    run_id = world.run()
    with runtime.database.writing() as session:
        session.execute(update(Customer).values(extra={}))
    world.start(run_id)
    world.work(WorkerProcess(runtime.database), run_id)
    [result] = world.results(run_id)
    assert (result.status, result.reason) == ("skipped", "no_password")
    assert server.taken == []


def test_a_pdf_that_cannot_be_locked_fails_and_is_not_sent(runtime: Runtime, server: MailServer) -> None:
    world = locked(runtime, server)
    customer, invoice = world.add("ada@customers.test", documents=False)
    with runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = {KEY: "s3cret"}
        of = session.get_one(Invoice, invoice.id)
        factories.document(session, runtime.documents, of, content=b"%PDF-1.4 not one")
    run_id = world.deliver(WorkerProcess(runtime.database))
    [result] = world.results(run_id)
    assert result.status == "failed"
    assert "no password can be set" in result.detail
    assert server.taken == []


def test_what_went_out_is_kept_byte_for_byte_and_goes_with_its_mail(
    runtime: Runtime, server: MailServer
) -> None:
    world = locked(runtime, server)
    add(world, "ada@customers.test", {KEY: "s3cret"})
    run_id = world.deliver(WorkerProcess(runtime.database))
    [result] = world.results(run_id)
    with runtime.database.reading() as session:
        invoices = session.scalars(select(Invoice)).all()
        mail = sent_mail.as_sent(session, result.id, 1, invoices, runtime.documents)
        own = set(session.scalars(select(TransformationResult.sha256)))
        attempt = session.scalars(select(Attempt)).one()
    assert mail is not None
    assert sent_mail.rebuild_mail(mail, runtime.documents) == server.taken[0].data
    [(_, content)] = attached(mail_to(world, "ada@customers.test"))
    with pikepdf.open(io.BytesIO(content), password="s3cret") as opened:
        assert len(opened.pages) == 1
    assert attempt.rebuild_data is not None
    [packed] = retention.documents_of(attempt.rebuild_data)
    assert packed not in own
    assert runtime.documents.get(packed) == content


def test_looking_at_a_mail_that_has_not_gone_out_stores_nothing(runtime: Runtime, server: MailServer) -> None:
    world = locked(runtime, server, zip=True)
    add(world, "ada@customers.test", {KEY: "s3cret"})
    [result] = world.results(world.run())
    folder = runtime.settings.home / "documents"
    before = sorted(folder.rglob("*"))
    with runtime.database.reading() as session:
        [work] = load_inputs(session, [result.id])
    mail = sent_mail.as_it_would_be_sent(work, runtime.renderer, runtime.documents, "")
    whole = message_from_bytes(sent_mail.rebuild_mail(mail, runtime.documents), policy=policy.default)
    assert isinstance(whole, EmailMessage)
    [(_, content)] = attached(whole)
    assert zipfile.is_zipfile(io.BytesIO(content))
    assert sorted(folder.rglob("*")) == before


def test_files_are_called_as_the_template_says(runtime: Runtime, server: MailServer) -> None:
    names = "{{ invoice.number }} {{ document.transformation }} für {{ customer.name }}/x.pdf"
    world = make_world(runtime, server, file_name=names, collate=True, subject="Invoices")
    customer, first = world.add("ada@customers.test")
    with runtime.database.writing() as session:
        template = world.definition.template_id
        session.execute(
            update(TemplateText)
            .where(TemplateText.template_id == template)
            .values(source="<p>{{ invoices|length }}</p>")
        )
        second = factories.invoice(session, customer)
        factories.document(session, runtime.documents, second)
    run_id = world.deliver(WorkerProcess(runtime.database))
    assert world.statuses(run_id) == ["sent"]
    assert [name for name, _ in attached(mail_to(world, "ada@customers.test"))] == [
        f"{invoice.number} Invoice PDF für {customer.name}_x.pdf" for invoice in (first, second)
    ]


@pytest.mark.parametrize("names", ["{{ invoice.nummer }}", "{{ ' ' }}", "a{{ '\\r\\n' }}b", "{{ '.' }}"])
def test_a_name_that_cannot_be_made_fails_its_message(
    runtime: Runtime, server: MailServer, names: str
) -> None:
    world = make_world(runtime, server, file_name=names)
    world.add("ada@customers.test")
    run_id = world.deliver(WorkerProcess(runtime.database))
    [result] = world.results(run_id)
    assert result.status == "failed"
    assert "name" in result.detail


@pytest.mark.security("C18")
@pytest.mark.parametrize("body", ["{{ customer.metadata." + KEY + " }}", "{{ customer.metadata }}"])
def test_the_password_never_stands_in_the_mail_that_it_locks(
    runtime: Runtime, server: MailServer, body: str
) -> None:
    world = locked(runtime, server, zip=True)
    add(world, "ada@customers.test", {KEY: "s3cret", "town": "Zwolle"})
    with runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source=body))
    world.deliver(WorkerProcess(runtime.database))
    for taken in server.taken:
        mail = message_from_bytes(taken.data, policy=policy.default)
        text = mail.get_body(("plain",))
        assert text is not None
        assert "Zwolle" in text.get_content()
        assert "s3cret" not in text.get_content()
