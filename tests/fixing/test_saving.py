"""Fixes from the list: what changes, what goes out, what is asked first."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from tests import factories
from tests.fixing.conftest import fields, hidden, part
from tests.http_client import LogIn, text_of
from tests.pdfs import pdf
from tests.results.test_filters import set_fields
from tests.world import World
from webapp.lifecycle.counts import adjust
from webapp.results.to_fix import OpenCause
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import TransformationResult
from webapp.store.statuses import Finding
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


def audited(world: World) -> list[str]:
    with world.runtime.database.reading() as session:
        return [f"{each.action} {each.subject}" for each in session.scalars(select(AuditEntry))]


def test_item5_an_address_frees_what_waits_for_it_in_created_and_stopped_runs(
    world: World, log_in: LogIn
) -> None:
    payer, _ = world.add("")
    world.add("a@x.test")
    first, second = world.run(), world.run()
    browser = log_in("manager")
    wrong = browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="jansen"))
    assert wrong.status_code == 422
    assert "jansen" in wrong.text
    answer = browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="jansen@x.test"))
    assert answer.status_code == 303
    assert world.statuses(first) == ["ready", "ready"]
    assert world.statuses(second) == ["ready", "ready"]
    page = browser.look("/fix")
    assert "Saved. 2 results are ready and will go out on Start." in text_of(page)
    assert payer.name in page.text
    assert "Saved." not in text_of(browser.look("/fix"))
    assert "Nothing to fix" in text_of(browser.look("/fix"))
    assert f"change customer {payer.code}" in audited(world)
    assert f"send again run {first}" in audited(world)


def test_item5_a_finished_run_is_asked_about_once(world: World, log_in: LogIn, worker: WorkerProcess) -> None:
    world.add("")
    world.add("a@x.test")
    run_id = world.deliver(worker)
    browser = log_in("manager")
    asked = browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="jansen@x.test"))
    assert "Save 1 and send 1 mail?" in text_of(asked)
    assert world.statuses(run_id) == ["skipped", "sent"]
    with world.runtime.database.reading() as session:
        assert session.scalars(select(CustomerEmail.address)).all() == ["a@x.test"]
    browser.press("/fix", **hidden(asked.text), send="1")
    assert "Saved. 1 mail goes out. " in text_of(browser.look("/fix"))
    assert world.statuses(run_id) == ["ready", "sent"]
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent", "sent"]


def test_item5_saved_only_the_row_stays_until_it_is_sent(
    world: World, log_in: LogIn, worker: WorkerProcess
) -> None:
    world.add("")
    world.add("a@x.test")
    run_id = world.deliver(worker)
    browser = log_in("manager")
    asked = browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="jansen@x.test"))
    browser.press("/fix", **hidden(asked.text), send="0")
    assert world.statuses(run_id) == ["skipped", "sent"]
    assert "Saved. 1 mail can go out now" in text_of(browser.look("/fix"))
    assert "nothing is missing any more" in part(browser, "no-recipient")
    asked = browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT))
    assert "Send 1 mail?" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    assert world.statuses(run_id) == ["ready", "sent"]


def test_item5_what_another_run_has_sent_meanwhile_stays(
    world: World, log_in: LogIn, worker: WorkerProcess
) -> None:
    payer, _ = world.add("")
    first = world.run()
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session)
        session.add(CustomerEmail(customer_id=payer.id, recipient_key_id=key.id, address="late@x.test"))
    world.deliver(worker)
    browser = log_in("manager")
    assert "nothing is missing any more" in part(browser, "no-recipient")
    browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT))
    assert world.results(first)[0].reason == "already_sent"
    assert "already sent" in text_of(browser.look("/fix"))
    assert "Nothing to fix" in text_of(browser.look("/fix"))


def test_item5_a_bad_address_is_replaced_and_its_mail_sent(
    world: World, log_in: LogIn, worker: WorkerProcess
) -> None:
    world.add("reject-550@x.test")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["failed"]
    browser = log_in("manager")
    assert "reject-550@x.test Failed" in part(browser, "failed")
    asked = browser.press("/fix", **fields(browser, OpenCause.BAD_ADDRESS, value="good@x.test"))
    assert "Save 1 and send 1 mail?" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    assert world.results(run_id)[0].recipients == ["good@x.test"]


def test_item5_a_bounced_mail_goes_to_another_address_after_a_question(
    world: World, log_in: LogIn, worker: WorkerProcess
) -> None:
    world.add("old@x.test")
    run_id = world.deliver(worker)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/mark-bounced", id=world.results(run_id)[0].id)
    asked = browser.press("/fix", **fields(browser, OpenCause.BOUNCED, value="new@x.test"))
    assert "1 customer may have the mail already" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    world.work(worker, run_id)
    assert world.results(run_id)[0].recipients == ["new@x.test"]


def test_item5_a_document_is_added_and_the_mail_sent_after_a_question(
    world: World, log_in: LogIn, worker: WorkerProcess
) -> None:
    payer, invoice = world.add("a@x.test", documents=False)
    created, finished = world.run(), world.run()
    world.start(finished)
    assert world.status(finished) == "finished"
    browser = log_in("manager")
    empty = browser.press("/fix", **fields(browser, OpenCause.NO_ATTACHMENT))
    assert "No file was chosen" in empty.text
    content = pdf(f"Invoice {invoice.number}", payer.code, payer.name)
    answer = browser.press(
        "/fix", **fields(browser, OpenCause.NO_ATTACHMENT, file=(io.BytesIO(content), "invoice.pdf"))
    )
    assert answer.status_code == 303
    assert world.statuses(created) == ["ready"]
    asked = browser.look(answer.headers["Location"])
    assert "Send 1 mail?" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    assert world.statuses(finished) == ["ready"]


@pytest.fixture
def suspect(world: World) -> int:
    """A created run with a result that is held for a suspect document."""
    _, invoice = world.add("a@x.test")
    with world.runtime.database.writing() as session:
        document = session.scalars(select(TransformationResult)).one()
        document.suspect, document.finding = True, Finding.NOT_NAMED
    assert invoice.id
    return world.run()


def test_item5_a_suspect_document_is_released_after_a_question(
    world: World, log_in: LogIn, suspect: int
) -> None:
    browser = log_in("manager")
    assert "does not name its invoice" in part(browser, "suspect-document")
    assert (
        "No file was chosen"
        in browser.press("/fix", **fields(browser, OpenCause.SUSPECT_DOCUMENT, action="replace")).text
    )
    asked = browser.press("/fix", **fields(browser, OpenCause.SUSPECT_DOCUMENT))
    assert world.statuses(suspect) == ["skipped"]
    browser.press("/fix", **hidden(asked.text), send="1")
    assert world.statuses(suspect) == ["ready"]


def test_item5_a_password_is_typed(world: World, log_in: LogIn) -> None:
    world.add("a@x.test")
    with world.runtime.database.writing() as session:
        session.merge(world.definition).password_key = "pin"
    run_id = world.run()
    browser = log_in("manager")
    assert "metadata field “pin” is empty" in part(browser, "no-password")
    browser.press("/fix", **fields(browser, OpenCause.NO_PASSWORD, value="s3cret99"))
    assert world.statuses(run_id) == ["ready"]
    assert "s3cret99" not in browser.look("/fix").text
    assert not any("s3cret99" in entry for entry in audited(world))


@pytest.mark.parametrize("action", ["sent", ""])
def test_item5_an_unconfirmed_mail_is_decided(
    world: World, log_in: LogIn, worker: WorkerProcess, action: str
) -> None:
    world.add("a@x.test")
    run_id = world.deliver(worker)
    set_fields(world, world.results(run_id)[0].id, status="unconfirmed")
    with world.runtime.database.writing() as session:
        adjust(session, run_id, {("sent", ""): -1, ("unconfirmed", ""): 1})  # type: ignore[arg-type]
    browser = log_in("manager")
    answer = browser.press("/fix", **fields(browser, OpenCause.UNCONFIRMED, action=action))
    if action:
        assert "Marked as sent" in text_of(browser.look("/fix"))
        assert world.statuses(run_id) == ["sent"]
    else:
        assert "1 customer may have the mail already" in text_of(answer)
        browser.press("/fix", **hidden(answer.text), send="1")
        assert world.statuses(run_id) == ["ready"]
