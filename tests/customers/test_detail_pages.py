"""One customer as a page: what a run would do, with the fix beside it; addresses, metadata, mails,
changes."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


@pytest.fixture
def customer(world: World, branches: None) -> Customer:
    payer, _ = world.add("pay@customers.test")
    with world.runtime.database.writing() as session:
        stored = session.get_one(Customer, payer.id)
        stored.extra = {"pin": "s3cret99", "contract": "C-7"}
        technical = factories.recipient_key(session, "technical")
        over = factories.mail_server(session)
        factories.definition(session, over, name="Call records", recipient_key_id=technical.id)
        factories.definition(session, over, name="Locked", password_key="pin")
        index_all(session)
    return payer


def would(browser: Browser, customer_id: int) -> str:
    page = browser.look(f"/customers/{customer_id}").text
    part = page.partition('id="would"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", part).split())


def test_the_fix_stands_beside_what_would_be_skipped(log_in: LogIn, world: World, customer: Customer) -> None:
    browser = log_in("manager")
    before = would(browser, customer.id)
    assert "Call records Would be skipped: no recipient no address with key “technical”" in before
    assert "Address for “technical” Save" in before
    assert before.count("Would be sent") == 2
    key = browser.look(f"/customers/{customer.id}").text.partition('name="key" value="')[2].partition('"')[0]
    answer = browser.press(
        f"/customers/{customer.id}/addresses",
        key=key,
        address="ops@customers.test",
        **{"from": "would"},
        htmx=True,
    )
    assert answer.headers["HX-Trigger"] == "changed"
    assert would(browser, customer.id).count("Would be sent") == 3
    refused = browser.press(f"/customers/{customer.id}/addresses", key=key, address="ops2", htmx=True)
    assert "Write it as name@example.com" in refused.text


def test_each_reason_has_its_words_and_its_way_out(log_in: LogIn, world: World, customer: Customer) -> None:
    with world.runtime.database.writing() as session:
        stored = session.get_one(Customer, customer.id)
        stored.extra = {}
    browser = log_in()
    said = would(browser, customer.id)
    assert "Locked Would be skipped: no password metadata field “pin” is empty Password for documents" in said
    browser.press(f"/customers/{customer.id}/metadata", name="pin", password_value="s3cret", htmx=True)
    assert "no password" not in would(browser, customer.id)
    browser.press(f"/customers/{customer.id}/suspension", reason="moved away")
    page = text_of(browser.look(f"/customers/{customer.id}"))
    assert page.count("Would be skipped: suspended") == 3
    assert "Suspended by admin@example.com" in page
    assert "moved away" in page
    browser.press(f"/customers/{customer.id}/suspension/end")
    with world.runtime.database.writing() as session:
        payer = session.get_one(Customer, customer.id)
        november = (date(2026, 11, 1), date(2026, 11, 30))
        factories.invoice(session, payer, status="open", period=november, number="NT-11")
    assert "Would be skipped: not approved NT-11 is open" in would(browser, customer.id)


def test_a_mail_that_went_out_is_there_with_its_proof(
    log_in: LogIn, world: World, customer: Customer, worker: WorkerProcess
) -> None:
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    page = log_in("viewer").look(f"/customers/{customer.id}").text
    assert f'href="/results/{result.id}"' in page
    assert "Would be skipped: already sent" in page
    assert "to pay@customers.test" in page


def facts_seen(page: str) -> str:
    """The fingerprint in the form of facts."""
    return page.partition('/facts"')[2].partition('name="seen" value="')[2].partition('"')[0]


def test_two_people_changing_the_same_lose_nothing(log_in: LogIn, world: World, customer: Customer) -> None:
    ada, ben = log_in("manager"), log_in("admin")
    url = f"/customers/{customer.id}"
    first, second = (facts_seen(browser.look(url).text) for browser in (ada, ben))
    facts = {"cluster": "all", "language": "nl"}
    assert ada.press(f"{url}/facts", name="Ada’s name", seen=first, **facts).status_code == 303
    answer = ben.press(f"{url}/facts", name="Ben’s name", seen=second, **facts)
    assert answer.status_code == 422
    assert "This was changed by manager@example.com while you had it open." in answer.text
    assert 'value="Ben’s name"' in answer.text
    assert "Stored now: Ada’s name" in answer.text
    fresh = facts_seen(answer.text)
    assert ben.press(f"{url}/facts", name="Ben’s name", seen=fresh, **facts).status_code == 303


def test_an_address_is_edited_and_removed_by_its_form(
    log_in: LogIn, world: World, customer: Customer
) -> None:
    browser, url = log_in("manager"), f"/customers/{customer.id}"
    with world.runtime.database.reading() as session:
        one = session.scalars(select(CustomerEmail.id).where(CustomerEmail.customer_id == customer.id)).one()

    def seen() -> str:
        page = browser.look(url).text
        return page.partition(f'action="{url}/addresses/{one}"')[2].partition('name="seen" value="')[2][:16]

    wrong = browser.press(f"{url}/addresses/{one}", address="half@", seen=seen())
    assert (wrong.status_code, 'value="half@"' in wrong.text) == (422, True)
    stale = seen()
    browser.press(f"{url}/addresses/{one}", address="new@customers.test", display_name="Desk", seen=stale)
    browser.look(url)
    late = browser.press(f"{url}/addresses/{one}/remove", seen=stale)
    assert "This was changed by manager@example.com" in late.text
    assert browser.press(f"{url}/addresses/{one}/remove", seen=seen()).status_code == 303
    assert "no recipient" in would(browser, customer.id)


def test_a_password_is_shown_on_request_and_that_is_noted(
    log_in: LogIn, world: World, customer: Customer
) -> None:
    browser, url = log_in("manager"), f"/customers/{customer.id}"
    page = browser.look(url).text
    assert "s3cret99" not in page
    assert "C-7" in page
    assert "s3cret99" in browser.press(f"{url}/metadata/show", name="pin").text
    assert "s3cret99" not in browser.look(url).text
    with world.runtime.database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last
        assert (last.action, last.detail) == ("show secret", "pin")
    assert "s3cret99" not in browser.look("/customers.csv").text


def test_a_viewer_sees_no_form(log_in: LogIn, world: World, customer: Customer) -> None:
    page = log_in("viewer").look(f"/customers/{customer.id}").text
    main = page.partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main
    assert "<button" not in main


def test_a_customer_is_added(log_in: LogIn, world: World, customer: Customer) -> None:
    browser = log_in("manager")
    browser.look("/customers/new")
    filled = {
        "code": "K-9",
        "name": "Ny Kunde",
        "cluster": "all",
        "language": "da",
        "address": "ny@kunde.test",
    }
    with world.runtime.database.reading() as session:
        filled["key"] = str(factories.recipient_key(session).id)
    wrong = browser.press("/customers/new", **{**filled, "address": "ny@"})
    assert wrong.status_code == 422
    assert 'value="Ny Kunde"' in wrong.text
    made = browser.press("/customers/new", **filled)
    assert made.status_code == 303
    assert "ny@kunde" in text_of(browser.look(made.location))
    assert "K-9" in browser.look("/customers?q=ny+kunde").text
    browser.look("/customers/new")
    again = browser.press("/customers/new", **filled)
    assert "There is a customer K-9 already." in again.text


def test_f_s17_only_a_secret_that_there_is_can_be_shown(
    log_in: LogIn, world: World, customer: Customer
) -> None:
    browser, url = log_in("manager"), f"/customers/{customer.id}/metadata/show"
    browser.look(f"/customers/{customer.id}")
    for name in ("contract", "none\nsuch", "", "x" * 5000):
        assert browser.press(url, name=name).status_code == 404
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = {"pin": ""}
    assert browser.press(url, name="pin").status_code == 404
    with world.runtime.database.reading() as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "show secret")).all() == []
