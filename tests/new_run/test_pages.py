"""The run dialog in the pages: as a page and over the list, its tree, its question, its lists, its mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from html import unescape
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.http_client import Browser, LogIn, fields, text_of
from tests.world import World
from webapp.extensions import Runtime
from webapp.new_run.forms import last_month, shortcuts
from webapp.store.invoices import Invoice
from webapp.store.runs import Run
from webapp.store.types import now

OVER = {"HX-Request": "true", "HX-Target": "div#dialog"}
HTMX = {"HX-Request": "true"}
FINGERPRINT = re.compile(r'name="fingerprint"[^>]* value="([0-9a-f]{64})"')


def preview(browser: Browser, world: World, **given: object) -> TestResponse:
    return browser.client.get("/runs/preview", query_string=fields(world, **given), headers=HTMX)


def run_count(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.query(Run).count()


def test_page_and_dialog_hold_the_same_form(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    page = browser.look("/runs/new")
    over = browser.client.get("/runs/new", headers=OVER)
    assert over.text.strip().removeprefix("<dialog").count("<dialog") == 0
    assert 'data-url="/runs/new"' in over.text
    assert "<html" not in over.text
    inner = re.compile(r'<form method="post" action="/runs".*?</form>', re.S)
    unique = re.compile(r'name="(csrf_token|form_key)" value="[^"]+"')
    forms = [unique.sub("", match[0]) for text in (page.text, over.text) if (match := inner.search(text))]
    assert len(forms) == 2
    assert forms[0] == forms[1]


def test_labels_and_buttons_are_those_of_the_contract(log_in: LogIn, world: World) -> None:
    said = text_of(log_in("manager").look("/runs/new"))
    for words in (
        *("Message definition", "Name of this run", "Customer cluster", "Include children", "Period from"),
        *("Period to", "Bcc", "Send again those already sent", "Create", "Create and start"),
    ):
        assert words in said
    assert 'for="cluster"' in log_in("admin").look("/runs/new").text


def test_c8_a_copy_to_a_domain_without_a_dot_is_questioned_beside_the_field(
    log_in: LogIn, world: World
) -> None:
    browser = log_in("manager")
    answer = preview(browser, world, bcc="smits@auto")
    assert "'smits@auto' has no dot after the @" in unescape(answer.text)
    answer = preview(browser, world, bcc="smits@auto.test")
    assert "has no dot" not in answer.text


def test_the_preview_brings_the_words_beside_the_fields_along(log_in: LogIn, world: World) -> None:
    with world.runtime.database.writing() as session:
        session.merge(world.definition).sender.mail_server.rate_per_minute = 1
    for _ in range(3):
        world.add()
    answer = preview(log_in("manager"), world, bcc="a@example.com, b@example.com")
    said = text_of(answer)
    for words in (
        "3 invoices match",
        "Create and start sends 3 mails and 6 Bcc copies, the first within seconds.",
        "Goes to “billing” addresses, with Invoice PDF.",
        "3 clusters below all. Each customer counts once.",
        "Each address gets a copy of all 3 mails.",
        "0 customers could receive their mail twice.",
        "about 3 minutes",
        "From invoicing @example.com",
    ):
        assert words in said
    assert answer.text.count("hx-swap-oob=") == 6
    kept = answer.headers["HX-Replace-Url"]
    assert kept.startswith("/runs/new?")
    assert 'value="a@example.com, b@example.com"' in log_in("admin").look(kept).text
    assert preview(log_in("viewer"), world, cluster="nowhere").status_code == 200


def test_what_is_wrong_has_the_focus_and_is_read_out(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/runs/new")
    for wrong, value in (
        ("cluster", "nowhere"),
        ("period_to", "soon"),
        ("bcc", "archive@"),
        ("definition", "99"),
    ):
        answer = browser.press("/runs", htmx=True, **fields(world, **{wrong: value}))
        assert answer.status_code == 422
        assert "<html" not in answer.text  # the form alone takes the form's place
        [focused] = re.findall(r'<(?:input|select)[^>]* autofocus [^>]*id="(\w+)"', answer.text)
        assert focused == wrong
        assert re.search(rf'aria-describedby="{wrong}-bad[^>]*aria-invalid="true"', answer.text)
        assert f'id="{wrong}-bad"' in answer.text
    assert run_count(world) == 0


def test_a_shortcut_sets_both_days_and_keeps_the_rest(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/runs/new")
    answer = browser.press(
        "/runs/preview", **fields(world, name="Mine", shortcut="2026-09-01/2026-09-30", bcc="a@example.com")
    )
    for kept in ('value="2026-09-01"', 'value="2026-09-30"', 'value="Mine"', 'value="a@example.com"'):
        assert kept in answer.text
    assert browser.press("/runs/preview", **fields(world, shortcut="soon/later")).status_code == 422


@pytest.mark.parametrize(
    ("today", "labels", "quarter"),
    [
        (date(2026, 11, 23), ["Sep", "Oct", "Nov", "Q3"], (date(2026, 7, 1), date(2026, 9, 30))),
        (date(2026, 1, 31), ["Nov", "Dec", "Jan", "Q4"], (date(2025, 10, 1), date(2025, 12, 31))),
        (date(2028, 3, 31), ["Jan", "Feb", "Mar", "Q4"], (date(2027, 10, 1), date(2027, 12, 31))),
        (date(2026, 4, 1), ["Feb", "Mar", "Apr", "Q1"], (date(2026, 1, 1), date(2026, 3, 31))),
    ],
)
def test_shortcuts_are_the_last_full_month_its_neighbours_and_the_last_quarter(
    today: date, labels: list[str], quarter: tuple[date, date]
) -> None:
    offered = shortcuts(today)
    assert [one.label for one in offered] == labels
    assert (offered[3].first, offered[3].last) == quarter
    assert all(one.first.day == 1 and (one.last.replace(day=28) <= one.last) for one in offered)


def test_the_tree_opens_twig_by_twig(log_in: LogIn, world: World, in_cluster: Callable[[str], int]) -> None:
    in_cluster("both")
    in_cluster("left")
    browser = log_in("manager")
    page = browser.look("/runs/new?" + urlencode(fields(world, cluster="")))
    assert "left 2 invoices" in text_of(page)
    assert "both" not in text_of(page)
    twist = r'value="([\d-]+)"\s+id="tw-[\d-]+"\s+aria-expanded="false"\s+aria-label="Clusters below left"'
    [path] = re.findall(twist,
                        page.text)  # fmt: skip
    period = {"period_from": "2026-10-01", "period_to": "2026-10-31"}
    opened = browser.client.get("/runs/clusters", query_string={**period, "toggle": path, "to": "open"})
    assert "both also in right 1 invoice" in text_of(opened)
    assert "<html" not in opened.text
    closed = browser.client.get("/runs/clusters", query_string={**period, "toggle": path, "to": "closed"})
    assert "both" not in text_of(closed)
    without_script = browser.press("/runs/preview", **fields(world, toggle=path))
    assert "both also in right" in text_of(without_script)
    for forged in ("1-999", "x", "-", "9" * 30, f"{path}-1"):
        assert browser.client.get("/runs/clusters", query_string={"toggle": forged}).status_code == 404


def test_typing_shows_what_matches_and_a_tick_counts_where_nothing_is_typed(
    log_in: LogIn, world: World
) -> None:
    browser = log_in("manager")
    found = browser.client.get("/runs/clusters", query_string={"cluster": "RIGH"})
    assert "right in all" in text_of(found)
    assert "left" not in text_of(found)
    assert "No cluster’s name contains" in text_of(
        browser.client.get("/runs/clusters", query_string={"cluster": "zzz"})
    )
    for typed, shown in (("", "left"), ("right", "right")):
        page = preview_page(browser, world, cluster=typed, pick="left")
        assert re.search(rf'id="cluster"[^>]* value="{shown}"', page)


def preview_page(browser: Browser, world: World, **given: object) -> str:
    browser.look("/runs/new")
    return browser.press("/runs/preview", **fields(world, **given)).text


@pytest.mark.security("C2")
def test_a_viewer_bound_to_a_cluster_is_told_of_no_other(
    log_in: LogIn, world: World, in_cluster: Callable[[str], int]
) -> None:
    in_cluster("right")
    browser = log_in("manager", "left")
    for address in ("/runs/new", "/runs/clusters", "/runs/clusters?cluster=r"):
        assert not re.search(r"value=.right|\\bright\\b", text_of(browser.look(address))), address
    for given in ({"cluster": "right"}, {"cluster": "all"}):
        query = urlencode(fields(world, **given))
        assert "invoices match" not in browser.look(f"/runs/preview?{query}").text
        for show in ("ready", "overlapping"):
            for page in ("list", "list.csv", "mail", "mail/html"):
                url = f"/runs/preview/{page}?{query}&show={show}&invoice=1"
                assert browser.look(url).status_code == 404, url
        browser.look("/runs/new")
        assert browser.press("/runs", **fields(world, **given)).status_code == 404
    assert run_count(world) == 0


def test_the_question_is_a_dialog_over_the_dialog(pages: Flask, log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add()
    parts: Runtime = pages.extensions["mailrun"]
    careful = replace(parts, settings=replace(parts.settings, confirm_above=2))
    pages.extensions["mailrun"] = careful
    browser = log_in("manager")
    browser.look("/runs/new")
    seen = FINGERPRINT.search(preview(browser, world).text)
    assert seen
    given = fields(world, fingerprint=seen[1], start="1")
    asked = browser.press("/runs", htmx=True, **given)
    assert asked.headers["HX-Retarget"] == "#ask"
    assert asked.text.startswith("<dialog") or asked.text.strip().startswith("<dialog")
    assert "3 customers in all get 3 mails." in text_of(asked)
    assert run_count(world) == 0
    posted = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    made = browser.press("/runs", htmx=True, start="1", **posted)
    assert re.fullmatch(r"/runs/\d+", made.headers["HX-Redirect"])
    assert run_count(world) == 1


def test_a_changed_list_is_asked_about_with_its_new_numbers(log_in: LogIn, world: World) -> None:
    _, invoice = world.add()
    world.add()
    browser = log_in("manager")
    browser.look("/runs/new")
    seen = FINGERPRINT.search(preview(browser, world).text)
    assert seen
    with world.runtime.database.writing() as session:
        session.get_one(Invoice, invoice.id).status = "open"
    asked = browser.press("/runs", htmx=True, **fields(world, fingerprint=seen[1]))
    assert "The list has changed. Create" in text_of(asked)
    assert run_count(world) == 0


def test_a_refusal_is_told_in_the_form(log_in: LogIn, world: World) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        session.merge(world.definition).retired_at = now()
    browser = log_in("manager")
    browser.look("/runs/new")
    answer = browser.press("/runs", htmx=True, **fields(world, name="Kept"))
    assert answer.status_code == 422
    assert "This one was retired or deleted meanwhile." in text_of(answer)
    assert 'value="Kept"' in answer.text


def test_an_address_that_names_only_a_cluster_shows_its_preview_at_once(log_in: LogIn, world: World) -> None:
    world.add(period=last_month(datetime.now().astimezone().date()))
    page = log_in("manager").look("/runs/new?cluster=all")
    assert "1 invoice matches" in text_of(page)
    assert "aria-invalid" not in page.text
