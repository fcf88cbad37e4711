"""The page of one result, and the same as a drawer: the mail and its documents, the way through the list,
what can be pressed."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.results.staged import lead
from tests.world import World
from webapp.store.customers import CustomerEmail
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.invoices import TransformationResult
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess

EVIL = "<script>alert(1)</script>"


def asked_for(browser: Browser, url: str, target: str) -> TestResponse:
    """GET as htmx does it for this target."""
    headers = {"HX-Request": "true", "HX-Target": target, "HX-Current-URL": "http://localhost/runs/1"}
    return browser.client.get(url, headers=headers)


def sent(world: World, worker: WorkerProcess) -> int:
    return world.results(world.deliver(worker))[0].id


def in_status(world: World, status: ResultStatus) -> int:
    """The id of a result with this status."""
    world.add()
    run_id = world.run()
    id = world.results(run_id)[0].id
    lead(world, run_id, status)
    return id


def links(page: str, rel: str) -> list[str]:
    return [url.replace("&amp;", "&") for url in re.findall(rf'rel="{rel}" href="([^"]+)"', page)]


def test_e4_a_skipped_mail_says_when_it_can_be_sent(log_in: LogIn, world: World) -> None:
    customer, _ = world.add("")
    run_id = world.run()
    page = f"/results/{world.results(run_id)[0].id}"
    browser = log_in("manager")
    assert "This mail cannot be sent." in text_of(browser.look(page))
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session)
        session.add(CustomerEmail(customer_id=customer.id, recipient_key_id=key.id, address="a@b.test"))
    said = text_of(browser.look(page))
    assert "This mail was skipped; it can be sent now." in said
    assert "Skipped then: no recipient" in said


def test_page_and_drawer_show_the_same(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add("a@customers.test", number="INV-1")
    id = sent(world, worker)
    browser = log_in("viewer")
    page, drawer = (
        browser.look(f"/results/{id}?status=sent"),
        asked_for(browser, f"/results/{id}?status=sent", "div#dialog"),
    )
    assert "<html" not in drawer.text
    assert f'data-url="/results/{id}?status=sent"' in drawer.text
    assert 'aria-labelledby="dr"' in drawer.text
    for shown in (page, drawer):
        said = text_of(shown)
        for piece in (
            "as handed to the server at",
            "a@customers.test",
            "Invoice INV-1",
            "Attempt 1: the mail",
        ):
            assert piece in said
        assert '<iframe class="mail" sandbox src="/results/1/mail?attempt=1"' in shown.text
        assert "1 of 1" in said and "&lt;time" not in shown.text  # noqa: PT018


def test_the_live_answer_holds_the_parts_by_their_ids(log_in: LogIn, world: World) -> None:
    id = in_status(world, ResultStatus.READY)
    browser = log_in("viewer")
    assert "every 2s" not in browser.look(f"/results/{id}").text
    world.start(world.results(1)[0].run_id)
    page = browser.look(f"/results/{id}?status=ready").text
    assert f'hx-get="/results/{id}/live?status=ready"' in page
    assert 'hx-trigger="changed from:document, every 2s"' in page
    live = browser.look(f"/results/{id}/live?status=ready", htmx=True).text
    for part in ("result-status", "result", "result-poller"):
        assert re.search(rf'id="{part}"[^>]* hx-swap-oob=', live), part
    assert "<html" not in live


@pytest.mark.security("C9")
def test_the_frame_has_no_rights_but_may_stand_in_our_page(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source=f"<p>{{{{ invoice.number }}}}</p>{EVIL}"))
    world.add(number="INV-9")
    id = sent(world, worker)
    browser = log_in("viewer")
    for which in ("", "?attempt=1", "?attempt=now"):
        answer = browser.look(f"/results/{id}/mail{which}")
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
        assert "frame-ancestors 'self'" in policy
        assert f"<p>INV-9</p>{EVIL}" in answer.text
    assert EVIL not in browser.look(f"/results/{id}").text


def test_the_eml_is_what_went_out(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add(number="INV/../7")
    id = sent(world, worker)
    answer = log_in("viewer").look(f"/results/{id}/mail.eml")
    assert answer.data == world.server.taken[0].data
    assert answer.mimetype == "message/rfc822"
    assert answer.headers["Content-Disposition"] == "attachment; filename=7.eml"


def test_what_is_no_proof_is_said_and_not_handed_out(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    _, invoice = world.add()
    id = sent(world, worker)
    with world.runtime.database.reading() as session:
        [document] = session.query(TransformationResult).filter_by(invoice_id=invoice.id)
    world.runtime.documents.remove(document.sha256)
    browser = log_in("viewer")
    page = browser.look(f"/results/{id}")
    assert "This is not proof of what went out" in text_of(page)
    assert "mail.eml" not in page.text
    for url in ("mail.eml", "documents/1", "documents/1?look=1"):
        answer = browser.look(f"/results/{id}/{url}")
        assert (answer.status_code, "document store has no" in answer.text) == (404, True), url
    assert browser.look(f"/results/{id}/mail").status_code == 200


@pytest.mark.security("C21")
@pytest.mark.parametrize(
    ("media_type", "content", "shown_as"),
    [
        ("application/pdf", b"%PDF-1.4 x", "application/pdf"),
        ("application/pdf", b"<script>alert(1)</script>", None),
        ("text/html", b"<script>alert(1)</script>", "text/plain"),
        ("text/csv", b"a,b\n", "text/plain"),
        ("application/xml", b"<a/>", "text/plain"),
        ("image/svg+xml", b"<svg onload='alert(1)'/>", None),
        ("application/octet-stream", b"\x00", None),
    ],
)
def test_a_document_is_shown_only_as_what_can_do_nothing(
    log_in: LogIn, world: World, media_type: str, content: bytes, shown_as: str | None
) -> None:
    _, invoice = world.add(documents=False)
    with world.runtime.database.writing() as session:
        made = factories.document(
            session, world.runtime.documents, invoice, content=content, file_name="Gespräche ü.bin"
        )
        made.media_type = media_type
    id = world.results(world.run())[0].id
    browser = log_in("viewer")
    saved = browser.look(f"/results/{id}/documents/1")
    looked_at = browser.look(f"/results/{id}/documents/1?look=1")
    assert (saved.data, looked_at.data, saved.mimetype) == (content, content, media_type)
    assert "Gespr%C3%A4che%20%C3%BC.bin" in saved.headers["Content-Disposition"]
    for answer in (saved, looked_at):
        assert answer.headers["Cache-Control"] == "no-store"  # F10
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        if answer is saved or shown_as is None:
            assert answer.headers["Content-Disposition"].startswith("attachment;")
        else:
            assert answer.mimetype == shown_as
            assert answer.headers["Content-Disposition"].startswith("inline;")
        if answer.mimetype != "application/pdf":
            assert answer.headers["Content-Security-Policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    "url",
    [
        *("documents/0", "documents/2", "documents/x", "documents/1?attempt=7", "documents/..%2f1"),
        *("mail?attempt=1", "mail.eml?attempt=x", "mail?attempt=-1", "?status=bogus", "?reason=bogus"),
    ],
)
def test_what_does_not_belong_to_the_result_is_not_there(log_in: LogIn, world: World, url: str) -> None:
    id = in_status(world, ResultStatus.READY)
    slash = "" if url.startswith("?") else "/"
    assert log_in("viewer").look(f"/results/{id}{slash}{url}").status_code == 404


def test_the_way_leads_through_the_list_and_keeps_the_filter(log_in: LogIn, world: World) -> None:
    for number in range(3):
        world.add(number=f"INV-{number}")
    run_id = world.run()
    ids = [result.id for result in sorted(world.results(run_id), key=lambda result: result.sort_name)]
    browser = log_in("viewer")
    first = browser.look(f"/results/{ids[0]}?status=ready&q=INV").text
    assert links(first, "prev") == []
    assert links(first, "next") == [f"/results/{ids[1]}?status=ready&q=INV"]
    assert 'aria-label="Next result (J)"' in first
    assert "1 of 3 ready" in text_of(browser.look(f"/results/{ids[0]}?status=ready"))
    drawer = asked_for(browser, links(first, "next")[0], "div#dialog").text
    assert links(drawer, "next") == [f"/results/{ids[2]}?status=ready&q=INV"]
    assert drawer.count("data-dialog") >= 2
    assert f'href="/runs/{run_id}?status=ready&amp;q=INV"' in first


BUTTONS = {
    ResultStatus.READY: {"Remove"},
    ResultStatus.SENDING: set(),
    ResultStatus.SENT: {"Mark as bounced", "Send again"},
    ResultStatus.DEFERRED: {"Send again", "Remove"},
    ResultStatus.FAILED: {"Send again", "Remove"},
    ResultStatus.UNCONFIRMED: {"Mark as sent", "Send again", "Remove"},
    ResultStatus.BOUNCED: {"Send again", "Remove"},
    ResultStatus.REMOVED: {"Put back"},
}


def buttons(answer: TestResponse) -> set[str]:
    explanation = answer.text[answer.text.index('id="explanation"') : answer.text.index('id="the-mail"')]
    return {
        re.sub("<[^>]*>", "", button) for button in re.findall(r"<button[^>]*>(.*?)</button>", explanation)
    }


@pytest.mark.parametrize("status", BUTTONS)
def test_the_buttons_are_those_that_the_status_allows(
    log_in: LogIn, world: World, status: ResultStatus
) -> None:
    id = in_status(world, status)
    assert buttons(log_in("manager").look(f"/results/{id}")) == BUTTONS[status]
    assert buttons(log_in("viewer").look(f"/results/{id}")) == set()


def test_todays_version_is_offered_once_the_definition_has_changed(log_in: LogIn, world: World) -> None:
    id = in_status(world, ResultStatus.FAILED)
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(subject="Corrected"))
    browser = log_in("manager")
    assert "Send with today’s version" in buttons(browser.look(f"/results/{id}"))
    browser.press("/runs/1/results/send-again", only=str(id), from_result=str(id), todays_version="1")
    assert "Corrected" in text_of(browser.look(f"/results/{id}"))


def test_a_press_leads_back_to_the_result_under_its_filter(log_in: LogIn, world: World) -> None:
    id = in_status(world, ResultStatus.UNCONFIRMED)
    browser = log_in("manager")
    browser.look(f"/results/{id}?status=unconfirmed")
    fields = {"only": str(id), "from_result": str(id), "status": "unconfirmed"}
    answer = browser.press("/runs/1/results/mark-sent", **fields)
    assert (answer.status_code, answer.location) == (303, f"/results/{id}?status=unconfirmed")
    page = text_of(browser.look(answer.location))
    assert "1 mail marked as sent." in page
    assert "Marked as sent by manager@example.com" in page


@pytest.mark.parametrize("verb", ["send-again", "remove", "start"])
def test_a_question_is_a_page_or_with_htmx_a_dialog_over_what_is_on_screen(
    log_in: LogIn, world: World, verb: str
) -> None:
    id = in_status(world, ResultStatus.SENT if verb != "start" else ResultStatus.READY)
    for _ in range(101 if verb == "start" else 0):
        world.add()
    run_id = world.run() if verb == "start" else 1
    url, fields = {
        "send-again": ("/runs/1/results/send-again", {"only": str(id)}),
        "remove": ("/runs/1/results/remove", {"all": "1"}),
        "start": (f"/runs/{run_id}/sending", {}),
    }[verb]
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    page, dialog = browser.press(url, **fields), browser.press(url, **fields, htmx=True)
    assert "<html" in page.text
    assert "autofocus>Cancel</a>" in page.text
    assert "<html" not in dialog.text
    assert (dialog.headers["HX-Retarget"], dialog.headers["HX-Reswap"]) == ("#ask", "innerHTML show:none")
    assert "data-close autofocus>Cancel</button>" in dialog.text
    for answer in (page, dialog):
        assert f'action="{url}"' in answer.text
        assert '<input type="hidden" name="asked" value="1">' in answer.text


def test_a_mail_that_cannot_be_made_says_why_on_the_page(log_in: LogIn, world: World) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source=f"{{{{ nothing }}}}{EVIL}"))
    id = in_status(world, ResultStatus.FAILED)
    answer = log_in("viewer").look(f"/results/{id}")
    assert "No mail can be built:" in text_of(answer)
    assert "there is no nothing" in answer.text
    assert "mail.eml" not in answer.text
    assert log_in("admin").look(f"/results/{id}/mail").status_code == 404
