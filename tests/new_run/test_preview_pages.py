"""The lists and mails behind the numbers of the preview."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from urllib.parse import urlencode

import pytest

from tests import factories
from tests.http_client import LogIn, fields, text_of
from tests.new_run.test_pages import preview, run_count
from tests.world import World
from webapp.new_run import preview_lists, preview_pages
from webapp.store.definitions import MessageDefinition


def test_every_number_is_a_link_to_its_list(log_in: LogIn, world: World) -> None:
    for _ in range(60):
        world.add()
    world.add("")
    world.add(period=(date(2026, 9, 1), date(2026, 10, 2)))
    browser = log_in("manager")
    links = [
        link.replace("&amp;", "&")
        for link in re.findall(r'href="(/runs/preview/list[^"]+)"', preview(browser, world).text)
    ]
    assert [link.rpartition("=")[2] for link in links] == ["ready", "no_recipient", "overlapping"]
    first = browser.look(links[0])
    assert first.text.count('data-column="invoice"') == 50
    [following] = re.findall(r'rel="next"[^>]* href="([^"]+)"', first.text)
    second = browser.look(following.replace("&amp;", "&"))
    assert second.text.count('data-column="invoice"') == 10
    assert 'rel="prev"' in second.text
    assert "no address at all" in text_of(browser.look(links[1]))
    assert browser.look(links[0] + "&after=1~soon").status_code == 404
    assert browser.look("/runs/preview/list?show=everything").status_code == 404
    gone_wrong = browser.look("/runs/preview/list?" + urlencode(fields(world, period_to="soon")))
    assert gone_wrong.status_code == 302
    assert "/runs/new?" in gone_wrong.location


def test_a_list_is_saved_whole_and_harmless(
    log_in: LogIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_pages, "INVOICES_PER_READ", 3)
    with world.runtime.database.writing() as session:
        for name in ("=1+1", "+Plus", "-Minus", "@At", "\tTab", "Ordinary", "Ø"):
            payer = factories.customer(session, world.everybody, "pay@customers.test", name=name)
            invoice = factories.invoice(session, payer, gross="-5.00")
            factories.document(session, world.runtime.documents, invoice)
    answer = log_in("manager").look("/runs/preview/list.csv?" + urlencode(fields(world)) + "&show=ready")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1", "'+Plus", "'-Minus", "'@At", "'\tTab", "Ordinary", "Ø"]
    assert {row["gross_amount"] for row in rows} == {"-5.00"}
    assert {row["note"] for row in rows} == {"pay@customers.test"}


def test_the_mails_can_be_read_before_they_are_sent(log_in: LogIn, world: World) -> None:
    invoices = [world.add(f"pay{n}@customers.test")[1] for n in range(3)]
    _, never = world.add("")
    browser = log_in("viewer")
    query = urlencode(fields(world, bcc="copy@example.com"))
    first = browser.look(f"/runs/preview/mail?{query}")
    said = text_of(first)
    for words in (
        invoices[0].number,
        f"{invoices[0].number}.pdf",
        "pay0 @customers.test",
        "copy @example.com",
    ):
        assert words in said
    assert 'rel="prev"' not in first.text
    [following] = re.findall(r'rel="next" href="([^"]+)"', first.text)
    middle = browser.look(following.replace("&amp;", "&"))
    assert invoices[1].number in text_of(middle)
    assert 'rel="prev"' in middle.text
    [frame] = re.findall(r'<iframe class="mail" sandbox src="([^"]+)"', middle.text)
    html = browser.look(frame.replace("&amp;", "&"))
    assert f"<p>Invoice {invoices[1].number}</p>" in html.text
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    for wrong in (never.id, 10**17, "x", "1" * 30):
        for page in ("mail", "mail/html"):
            assert browser.look(f"/runs/preview/{page}?{query}&invoice={wrong}").status_code == 404
    assert world.server.taken == []
    assert run_count(world) == 0


def test_with_collate_a_mail_is_about_all_invoices_of_its_customer(log_in: LogIn, world: World) -> None:
    payer, one = world.add()
    with world.runtime.database.writing() as session:
        definition = session.merge(world.definition)
        definition.collate, definition.subject = True, "{{ invoices|length }} invoices"
        definition.template.texts[0].source = "<p>{{ invoices|length }}</p>"
        two = factories.invoice(session, payer)
        factories.document(session, world.runtime.documents, two)
        factories.invoice(session, payer, status="open")
    said = text_of(log_in("manager").look("/runs/preview/mail?" + urlencode(fields(world))))
    for words in ("2 invoices", one.number, f"{two.number}.pdf"):
        assert words in said


def test_a_mail_that_cannot_be_made_says_why(log_in: LogIn, world: World) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        session.merge(world.definition).template.texts[0].source = "<p>{{ invoice.nonsense }}</p>"
    answer = log_in("manager").look("/runs/preview/mail?" + urlencode(fields(world)))
    assert answer.status_code == 200
    assert "nonsense" in text_of(answer)
    assert "<iframe" not in answer.text


def test_the_numbers_of_very_many_invoices_follow_the_page(
    log_in: LogIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.add()
    world.add("")
    browser = log_in("manager")
    address = "/runs/preview/list?" + urlencode(fields(world)) + "&show=ready"
    at_once = browser.look(address)
    assert "Will be sent 3 All skipped 1 Skipped: no recipient 1" in text_of(at_once)
    assert "numbers=1" not in at_once.text
    monkeypatch.setattr(preview_lists, "NUMBERS_AT_ONCE_MAX", 3)
    monkeypatch.setattr(preview_lists, "LISTED_MAX", 2)
    later = browser.look(address)
    assert "Will be sent All skipped" in text_of(later)
    assert "3 invoices, by period" in text_of(later)
    [numbers] = re.findall(r'hx-get="([^"]+numbers=1)"', later.text)
    answer = browser.look(numbers.replace("&amp;", "&"), htmx=True)
    assert text_of(answer).startswith("Will be sent 3 All skipped 1 Skipped: no recipient 1")
    assert "hx-get" not in answer.text


def test_a_mail_that_cannot_be_made_is_told_before_create(log_in: LogIn, world: World) -> None:
    world.add()
    world.add()
    browser = log_in("manager")
    assert "cannot be made" not in text_of(preview(browser, world))
    with world.runtime.database.writing() as session:
        session.get_one(MessageDefinition, world.definition.id).collate = True
    said = text_of(preview(browser, world))
    assert "cannot be made: subject, line 1: there is no invoice. Did you mean invoices?" in said
    assert said.count("cannot be made") == 1
