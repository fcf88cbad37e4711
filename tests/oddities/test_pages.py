"""The section under the preview, that of a run, and the lists behind them."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from tests.http_client import LogIn, fields, text_of
from tests.new_run.test_pages import preview
from tests.oddities.usual import SEPTEMBER, bill, mailed, months
from tests.world import World
from webapp.store.invoices import TransformationResult
from webapp.store.users import User

LISTS = re.compile(r'href="([^"]+/oddities/[^"]+)"')


def odd_world(world: World) -> int:
    """A month that was mailed, and one with an oddity of several kinds; the id of the run of October."""
    (stays, _), _ = (world.add("a@known.test", period=SEPTEMBER) for _ in range(2))
    mailed(world)
    months(world, stays, "10.00", "10.00", "10.00")
    bill(world, stays, "5000.00")
    for _ in range(5):
        world.add("shared@customers.test")
    with world.runtime.database.writing() as session:
        session.execute(update(TransformationResult).values(unnamed_amount=Decimal("121.00")))
    return world.run()


def test_the_preview_loads_what_differs_once_it_is_shown(log_in: LogIn, world: World) -> None:
    odd_world(world)
    browser = log_in("manager")
    shown = preview(browser, world).text
    [address] = {unescape(each) for each in re.findall(r'hx-get="(/runs/preview/oddities[^"]+)"', shown)}
    assert f'<a href="{address}"' in unescape(shown)  # without script it is a link
    piece = browser.look(address, htmx=True)
    assert "<html" not in piece.text
    said = text_of(piece)
    for words in (
        "Compared with September 2026",
        "1 customer had a mail in September 2026 and has no invoice now",
        "1 amount is more than 5 times the customer’s usual",
        "5 invoices have a document that does not name their amount",
        "1 address is shared by more than 3 customers",
        "None of this blocks the run.",
    ):
        assert words in said, said
    page = browser.look(address)
    assert "<html" in page.text
    assert "Compared with September 2026" in text_of(page)


def test_every_oddity_leads_to_its_rows(log_in: LogIn, world: World) -> None:
    run_id = odd_world(world)
    browser = log_in("viewer")
    for start in (f"/runs/preview/oddities?{urlencode(fields(world))}", f"/runs/{run_id}/oddities"):
        links = {unescape(each) for each in LISTS.findall(browser.look(start).text)}
        found = {
            link.partition("/oddities/")[2].partition("?")[0]: browser.look(link).text.count('"invoice"')
            for link in links
        }
        assert found == {"gone": 1, "large": 1, "unnamed_amount": 5, "shared_address": 5}
        [large] = [link for link in links if "/large" in link]
        assert "€ 10.00" in text_of(browser.look(large)).replace("\N{NO-BREAK SPACE}", " ")
        assert browser.look(large + ("&" if "?" in large else "?") + "print=1").status_code == 200


def test_a_list_goes_on_from_page_to_page(log_in: LogIn, world: World) -> None:
    for _ in range(60):
        world.add("shared@customers.test")
    browser = log_in("manager")
    first = browser.look(f"/runs/preview/oddities/shared_address?{urlencode(fields(world))}")
    assert first.text.count('data-column="invoice"') == 50
    [following] = re.findall(r'rel="next"[^>]* href="([^"]+)"', first.text)
    second = browser.look(unescape(following))
    assert second.text.count('data-column="invoice"') == 10
    assert browser.look(unescape(following) + "x").status_code == 404


def test_without_a_run_before_it_says_so(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    said = text_of(browser.look(f"/runs/preview/oddities?{urlencode(fields(world))}", htmx=True))
    assert "No run to compare with." in said
    assert "Nothing else differs from what was usual." in said
    assert 'hx-get="/runs/preview/oddities' not in preview(browser, world, period_to="2026-10-02").text


@pytest.mark.parametrize("kind", ["number", "amount", "nothing", "GONE"])
def test_what_is_no_list_is_not_found(log_in: LogIn, world: World, kind: str) -> None:
    run_id = odd_world(world)
    browser = log_in("manager")
    query = urlencode(fields(world))
    assert browser.look(f"/runs/preview/oddities/{kind}?{query}").status_code == 404
    assert browser.look(f"/runs/{run_id}/oddities/{kind}").status_code == 404
    assert browser.look(f"/runs/{run_id + 99}/oddities").status_code == 404


def test_an_address_with_invalid_fields_leads_to_the_dialog(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    for path in ("oddities", "oddities/large"):
        answer = browser.look(f"/runs/preview/{path}?{urlencode(fields(world, period_to='soon'))}")
        assert answer.status_code == 302
        assert answer.location.startswith("/runs/new?")


def test_it_is_told_in_dutch_and_german(log_in: LogIn, world: World) -> None:
    odd_world(world)
    browser = log_in("manager")
    address = f"/runs/preview/oddities?{urlencode(fields(world))}"
    for language, words in (("nl", "Vergeleken met september 2026"), ("de", "Verglichen mit September 2026")):
        with world.runtime.database.writing() as session:
            session.execute(update(User).values(language=language))
        assert words in text_of(browser.look(address, htmx=True))
