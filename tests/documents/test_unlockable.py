"""PDFs that cannot be given a password without harm: known before Start, skipped with their own reason, and
never opened for it."""

from __future__ import annotations

import io
from email import message_from_bytes, policy
from email.message import EmailMessage

import pikepdf
import pytest
from sqlalchemy import select, update

from tests import factories
from tests.documents.checked import check, held, let_pass
from tests.http_client import LogIn, fields, text_of
from tests.mailserver import MailServer
from tests.pdfs import bomb, encrypted, pdf, signed
from tests.world import World, make_world
from webapp.access import OPERATOR
from webapp.extensions import Runtime
from webapp.mailing import pdf_locking
from webapp.messages import sent_mail
from webapp.messages.inputs import load_inputs
from webapp.new_run.preview import preview
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import SkipReason
from webapp.workers import WorkerProcess

KEY = "pin"
UNLOCKABLE = ("skipped", "unlockable")
HARMED = {
    "signed": signed,
    "flags": lambda content: signed(content, "flags"),
    "certified": lambda content: signed(content, "certified"),
    "restricted": encrypted,
    "encrypted": lambda content: encrypted(content, "secret"),
}


def locked(runtime: Runtime, server: MailServer, **fields: object) -> World:
    return make_world(runtime, server, password_key=KEY, **fields)


def add(world: World, address: str, change: object = None, media_type: str = "application/pdf") -> Invoice:
    """A customer with a password and one invoice, whose PDF is changed so, and unchecked."""
    payer, of = world.add(address, documents=False)
    content = pdf(f"Invoice {of.number}", payer.code)
    if change:
        content = change(content)  # type: ignore[operator]
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).extra = {KEY: "s3cret"}
        made = factories.document(session, world.runtime.documents, of, content=content, checked=False)
        made.media_type = media_type
    return of


@pytest.mark.parametrize("how", HARMED)
def test_a5_a_pdf_that_a_password_would_harm_is_skipped_before_start(
    runtime: Runtime, server: MailServer, worker: WorkerProcess, how: str
) -> None:
    world = locked(runtime, server)
    add(world, "ada@example.com", HARMED[how])
    add(world, "bob@example.com")
    check(world)
    with runtime.database.reading() as session:
        seen = preview(session, world.choice(), OPERATOR)
    assert (seen.ready, seen.skipped[SkipReason.UNLOCKABLE]) == (1, 1)
    run_id = world.run()
    assert held(world, run_id) == [UNLOCKABLE, ("ready", "")]
    world.start(run_id)
    world.work(worker, run_id)
    assert [taken.recipients for taken in server.taken] == [("bob@example.com",)]


def test_a5_it_is_known_of_a_pdf_under_another_type_too(runtime: Runtime, server: MailServer) -> None:
    world = locked(runtime, server)
    add(world, "ada@example.com", signed, "application/octet-stream")
    assert held(world, world.run()) == [UNLOCKABLE]


@pytest.mark.parametrize("packing", [{"zip": True}, {"password_key": ""}])
def test_a5_zip_and_no_password_leave_it_whole(
    runtime: Runtime, server: MailServer, worker: WorkerProcess, packing: dict[str, object]
) -> None:
    world = make_world(runtime, server, **{"password_key": KEY, **packing})
    add(world, "ada@example.com", signed)
    assert held(world, world.deliver(worker)) == [("sent", "")]


def test_a5_an_import_without_the_signature_makes_it_sendable(runtime: Runtime, server: MailServer) -> None:
    world = locked(runtime, server)
    add(world, "ada@example.com", signed)
    run_id = world.run()
    assert held(world, run_id) == [UNLOCKABLE]
    with runtime.database.writing() as session:
        document = session.scalars(select(TransformationResult)).one()
        of = session.get_one(Invoice, document.invoice_id)
        plain = pdf(f"Invoice {of.number}", session.get_one(Customer, of.customer_id).code)
        document.sha256 = runtime.documents.put(plain)
    assert held(world, world.run()) == [("ready", "")]
    with runtime.database.writing() as session:
        chosen = BulkSelection(run_id, reason=SkipReason.UNLOCKABLE)
        assert resend.send_again(session, runtime.queue, chosen, OPERATOR).changed == 1


def test_f5_what_cannot_be_read_is_never_opened_for_a_password(
    runtime: Runtime, server: MailServer, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = locked(runtime, server)
    add(world, "ada@example.com", lambda _: bomb())
    run_id = world.run()
    assert held(world, run_id) == [("skipped", "suspect_document")]
    opened: list[int] = []
    monkeypatch.setattr(pdf_locking.PdfLocker, "lock", lambda *of: opened.append(1))
    [result] = world.results(run_id)
    for _ in range(2):
        with runtime.database.reading() as session:
            [work] = load_inputs(session, [result.id])
        mail = sent_mail.as_it_would_be_sent(work, runtime.renderer, runtime.documents, "")
        assert mail.rebuild_data is None
        assert "cannot be read, so no password can be set" in mail.trouble
        let_pass(world, run_id)
    assert held(world, run_id) == [UNLOCKABLE]
    world.start(run_id)
    world.work(worker, run_id)
    assert server.taken == []
    assert opened == []


def test_f5_a_bomb_that_was_not_checked_fails_its_own_mail_in_words(
    runtime: Runtime, server: MailServer, worker: WorkerProcess
) -> None:
    world = locked(runtime, server)
    add(world, "ada@example.com", lambda _: bomb())
    add(world, "bob@example.com")
    with runtime.database.writing() as session:
        session.execute(
            update(TransformationResult).values(found_in=TransformationResult.sha256, finding="fine")
        )
    run_id = world.deliver(worker)
    assert [status for status, _ in held(world, run_id)] == ["failed", "sent"]
    assert "no password can be set" in world.results(run_id)[0].detail


def test_c3_a_password_opens_the_pdf_as_it_is_typed(
    runtime: Runtime, server: MailServer, worker: WorkerProcess
) -> None:
    world = locked(runtime, server)
    of = add(world, "ada@example.com")
    with runtime.database.writing() as session:
        session.get_one(Customer, of.customer_id).extra = {KEY: "Pa\u0308ss\uff11\uff12"}
    world.deliver(worker)
    mail = message_from_bytes(server.taken[0].data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    [attached] = mail.iter_attachments()
    with pikepdf.open(io.BytesIO(attached.get_content()), password="Päss12") as opened:
        assert len(opened.pages) == 1


def test_a5_pages_tell_the_reason_and_the_way_out(log_in: LogIn, world: World) -> None:
    of = add(world, "ada@example.com", signed)
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(password_key=KEY))
    run_id = world.run()
    browser = log_in("admin")
    browser.look("/runs/new")
    said = text_of(browser.press("/runs/preview", **fields(world), htmx=True))
    assert "1 unlockable a PDF is signed, restricted or encrypted" in said
    assert "choose ZIP in the definition, or import the PDF without a signature" in said
    listed = browser.look(
        f"/runs/preview/list?definition={world.definition.id}&cluster=all&include_children=y"
        "&period_from=2026-10-01&period_to=2026-10-31&show=unlockable"
    )
    assert f"{of.number}.pdf is signed, and a password would break the signature" in text_of(listed)
    [result] = world.results(run_id)
    page = text_of(browser.look(f"/results/{result.id}"))
    assert "This mail cannot be protected: a PDF is signed, restricted or encrypted already." in page
    form = text_of(browser.look(f"/definitions/{world.definition.id}"))
    assert "it no longer claims to be PDF/A" in form
