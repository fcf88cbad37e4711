"""How a person reads: their time zone, date and number style and shortcuts, on every page and for them
alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp import notation
from webapp.extensions import Runtime
from webapp.notation import DateStyle, Notation, NumberStyle
from webapp.periods import period_words
from webapp.store.users import AuditEntry, User
from webapp.translation import ngettext
from webapp.web import formats

NOON = datetime(2026, 3, 5, 12, 0, 7, tzinfo=UTC)
CHOICE = {
    "name": "Marit", "language": "en", "time_zone": "Asia/Tokyo", "date_style": "dots",
    "number_style": "dot", "shortcuts": "y",
}  # fmt: skip


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    notation.use(notation.DEFAULT)


@pytest.mark.parametrize(
    ("style", "days"),
    [
        (DateStyle.WORDS, ["5 Mar", "5 Mar 2026"]),
        (DateStyle.DOTS, ["05.03.2026"] * 2),
        (DateStyle.SLASHES, ["05/03/2026"] * 2),
        (DateStyle.MONTH_FIRST, ["03/05/2026"] * 2),
        (DateStyle.ISO, ["2026-03-05"] * 2),
    ],
)
def test_days_are_written_in_the_chosen_style(style: DateStyle, days: list[str]) -> None:
    notation.use(Notation(dates=style))
    assert [formats.day(date(2026, 3, 5)), formats.whole_day(date(2026, 3, 5))] == days


def test_numbers_and_amounts_are_written_in_the_chosen_style() -> None:
    notation.use(Notation(numbers=NumberStyle.DOT))
    assert notation.money(Decimal("-1234567.50"), "EUR") == "€\u00a0-1.234.567,50"
    assert (formats.number(12471), formats.share(8142, 11857)) == ("12.471", "68,7%")
    notation.use(Notation(numbers=NumberStyle.APOSTROPHE))
    assert ngettext("%(num)s mail", "%(num)s mails", 12471) == "12’471 mails"
    notation.use(Notation(numbers=NumberStyle.SPACE))
    assert formats.number(12471) == "12\u202f471"


def test_a_moment_is_in_the_readers_zone_and_tells_it_on_hover() -> None:
    notation.use(Notation(time_zone="Asia/Tokyo", dates=DateStyle.ISO))
    said = formats.moment(NOON)
    assert ">2026-03-05 21:00<" in said
    assert 'title="2026-03-05 21:00:07, Asia/Tokyo (UTC+09:00)"' in said
    assert notation.start_of(date(2026, 3, 5)).isoformat() == "2026-03-05T00:00:00+09:00"
    assert period_words(date(2026, 3, 1), date(2026, 3, 31)) == "2026-03-01 to 2026-03-31"


def test_a_choice_holds_on_every_page_for_this_person_alone(
    log_in: LogIn, world: World, runtime: Runtime
) -> None:
    world.add(gross="1234.50")
    run_id = world.run()
    browser, other = log_in("manager"), log_in("viewer")
    browser.look("/account")
    assert browser.press("/account", **CHOICE).location == "/account"
    page = browser.look(f"/runs/{run_id}")
    assert "1.234,50" in page.text
    assert "Asia/Tokyo (UTC+09:00)" in page.text
    assert "1,234.50" in other.look(f"/runs/{run_id}").text
    assert "Asia/Tokyo" not in other.look("/runs").text
    with runtime.database.reading() as session:
        noted = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "change")).one()
    assert "time_zone" in noted


def test_files_keep_their_form(log_in: LogIn, world: World) -> None:
    world.add(gross="1234.50")
    run_id = world.run()
    browser = log_in("manager")
    before = browser.look(f"/runs/{run_id}/report.csv").text
    browser.look("/account")
    browser.press("/account", **CHOICE)
    assert browser.look(f"/runs/{run_id}/report.csv").text == before
    assert "1234.50" in before


@pytest.mark.parametrize("typed", ["Amsterdam", "europe/amsterdam", "Europe/Amsterdam"])
def test_a_city_is_enough_for_a_time_zone(log_in: LogIn, typed: str) -> None:
    browser = log_in("viewer")
    browser.look("/account")
    assert browser.press("/account", **{**CHOICE, "time_zone": typed}).status_code == 303
    assert 'value="Europe/Amsterdam"' in browser.look("/account").text


def test_shortcuts_can_be_turned_off(log_in: LogIn) -> None:
    browser = log_in("viewer")
    assert "data-no-shortcuts" not in browser.look("/account").text
    browser.press("/account", **{**CHOICE, "shortcuts": ""})
    assert "data-no-shortcuts" in browser.look("/runs").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("time_zone", "Middle/Earth", "is no time zone"),
        ("date_style", "roman", "date style"),
        ("number_style", "", "number style"),
        ("language", "xx", "language"),
        ("name", "a\u0007b", "can be shown"),
    ],
)
def test_what_is_not_offered_is_refused_and_what_was_typed_stays(
    log_in: LogIn, runtime: Runtime, field: str, value: str, words: str
) -> None:
    browser = log_in("manager")
    browser.look("/account")
    answer = browser.press("/account", **{**CHOICE, field: value})
    assert answer.status_code == 422
    assert words in text_of(answer)
    with runtime.database.reading() as session:
        assert session.scalars(select(User.number_style)).all() == ["language"]


def test_an_unknown_zone_in_the_database_is_the_servers(pages: Flask) -> None:
    notation.use(Notation(time_zone="No/Longer"))
    assert notation.local(NOON) == NOON


@pytest.mark.parametrize(
    ("variable", "link", "zone"),
    [
        ("Asia/Tokyo", "", "Asia/Tokyo"),
        ("", "/usr/share/zoneinfo/Europe/Amsterdam", "Europe/Amsterdam"),
        ("nowhere", "", "(UTC"),
    ],
)
def test_the_servers_time_zone_is_named(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, link: str, zone: str
) -> None:
    place = tmp_path / "localtime"
    if link:
        place.symlink_to(link)
    monkeypatch.setattr(notation, "LOCAL_TIME", str(place))
    monkeypatch.setenv("TZ", variable)
    said = text_of(log_in("viewer").look("/account"))
    found = said.partition("Empty: the server’s time zone (")[2]
    assert zone in found[:40]
