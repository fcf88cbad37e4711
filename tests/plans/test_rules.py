"""Ten years of dates: each once, on the day and at the wall time that the rule promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import holidays
import pytest

from webapp.plans.rules import Moment, Rule, instant_of, moments
from webapp.plans.spans import invoice_period
from webapp.plans.workdays import WorkCalendar, countries
from webapp.store.plans import PlanDay, PlanPeriod, PlanShift, PlanSpan

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
ZONES = (
    *("Europe/Amsterdam", "Europe/London", "Europe/Chisinau", "America/New_York", "America/St_Johns"),
    *("America/Santiago", "America/Havana", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe"),
    *("Pacific/Auckland", "Pacific/Chatham"),
)
COUNTRIES = ("NL", "DE", "CH", "GB", "US", "JP", "IL", "BR", "EG", "AU")
HALF_AN_HOUR = timedelta(minutes=30)


def ten_years(rule: Rule) -> list[Moment]:
    return list(takewhile(lambda moment: moment.due < END, moments(rule, BEGIN)))


def changes(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta]]:
    """Every moment of the ten years at which the zone's offset changes, and by how much."""
    at = BEGIN
    while at < END:
        following = at + timedelta(days=1)
        if zone_offset(at, zone) != zone_offset(following, zone):
            halves = (at + n * HALF_AN_HOUR for n in range(1, 49))
            change = next(each for each in halves if zone_offset(each, zone) != zone_offset(at, zone))
            yield change, zone_offset(change, zone) - zone_offset(at, zone)
        at = following


def shown_at(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """Every instant at which a clock there shows this, whatever its offset (a multiple of 15 minutes)."""
    wall = datetime.combine(day, at)
    around = sorted(wall.replace(tzinfo=UTC) - n * timedelta(minutes=15) for n in range(-56, 57))
    return [each for each in around if each.astimezone(zone).replace(tzinfo=None) == wall]


@pytest.mark.parametrize("name", ZONES)
def test_every_change_of_clocks_in_ten_years(name: str) -> None:
    """A plan on the weekday of the change, at the times around it: the time promised if the clock shows it
    (the first, if twice), else as much later as it skips."""
    zone, seen = ZoneInfo(name), 0
    for change, by in changes(zone):
        wall_before = (change + zone_offset(change - timedelta(minutes=1), zone)).replace(tzinfo=None)
        for minutes in (-90, -30, -1, 0, 1, 15, 29, 45, 59, 61, 120):
            wall = wall_before + timedelta(minutes=minutes)
            rule = Rule(PlanSpan.WEEK, PlanDay.WEEKDAY, wall.time(), name, weekday=wall.weekday())
            found = list(islice(moments(rule, change - timedelta(days=4)), 3))
            [ours] = [moment for moment in found if moment.day == wall.date()]
            shown = shown_at(ours.day, rule.at, zone)
            assert ours.due == (shown[0] if shown else instant_later(wall, by, zone))
            assert len({moment.day for moment in found}) == 3
            seen += 1
    assert seen >= 11 * 19, "each of these zones changes its clocks twice a year"


def zone_offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def instant_later(wall: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """The instant whose wall time is as much later as the clock skips."""
    later = wall + by
    [only] = shown_at(later.date(), later.time(), zone)
    return only


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("country", COUNTRIES)
def test_third_working_day_of_ten_years_in_every_country(country: str, zone: str) -> None:
    """120 months, each once: the third day of the month that is no holiday and no weekend, counted here."""
    calendar = WorkCalendar(country)
    found = ten_years(Rule(PlanSpan.MONTH, PlanDay.WORKING, time(7), zone, nth=3, calendar=calendar))
    assert [(moment.day.year, moment.day.month) for moment in found] == [
        (year, month) for year in range(2026, 2036) for month in range(1, 13)
    ]
    official = holidays.country_holidays(country, years=range(2026, 2036))
    for moment in found:
        first = moment.day.replace(day=1)
        until = [first + timedelta(days=n) for n in range(moment.day.day)]
        working = [day for day in until if day not in official and day.weekday() not in official.weekend]
        assert len(working) == 3
        assert working[-1] == moment.day
        assert moment.due.astimezone(ZoneInfo(zone)).time() == time(7)


def test_rules_of_every_kind_name_each_date_once_in_ten_years() -> None:
    for every, expected in ((PlanSpan.MONTH, 120), (PlanSpan.QUARTER, 40), (PlanSpan.WEEK, 521)):
        for day in PlanDay:
            for shift in PlanShift:
                rule = Rule(every, day, time(9), "Asia/Kolkata", 2, 2, shift, WorkCalendar("NL"))
                found = [moment.day for moment in ten_years(rule)]
                assert len(found) == len(set(found))
                assert found == sorted(found)
                assert abs(len(found) - expected) <= 2, (every, day, shift)


def days(rule: Rule, n: int, after: date) -> list[str]:
    at = datetime.combine(after, time(), tzinfo=UTC)
    return [moment.day.isoformat() for moment in islice(moments(rule, at), n)]


@pytest.mark.parametrize(
    ("day", "fields", "dates"),
    [
        (PlanDay.WORKING, {"nth": 3}, ["2026-04-07", "2026-05-06", "2026-06-03"]),
        (PlanDay.LAST_WORKING, {"nth": 1}, ["2026-04-30", "2026-05-29", "2026-06-30"]),
        (PlanDay.LAST_WORKING, {"nth": 2}, ["2026-04-29", "2026-05-28", "2026-06-29"]),
        (PlanDay.OF_MONTH, {"nth": 31}, ["2026-04-30", "2026-05-31", "2026-06-30"]),
        (
            PlanDay.OF_MONTH,
            {"nth": 31, "shift": PlanShift.BEFORE},
            ["2026-04-30", "2026-05-29", "2026-06-30"],
        ),
        (PlanDay.OF_MONTH, {"nth": 25, "shift": PlanShift.AFTER}, ["2026-04-28", "2026-05-26", "2026-06-25"]),
        (PlanDay.LAST, {}, ["2026-04-30", "2026-05-31", "2026-06-30"]),
        (PlanDay.WEEKDAY, {"nth": 1, "weekday": 0}, ["2026-04-06", "2026-05-04", "2026-06-01"]),
        (PlanDay.LAST_WEEKDAY, {"nth": 1, "weekday": 4}, ["2026-04-24", "2026-05-29", "2026-06-26"]),
    ],
)
def test_dates_of_a_dutch_spring(day: PlanDay, fields: dict[str, object], dates: list[str]) -> None:
    """27 April is the King's birthday. In 2026 Liberation Day is no holiday: this company adds it."""
    calendar = WorkCalendar("NL", added=frozenset({date(2026, 5, 5)}))
    rule = Rule(PlanSpan.MONTH, day, time(7), "Europe/Amsterdam", calendar=calendar, **fields)  # type: ignore[arg-type]
    assert days(rule, 3, date(2026, 4, 1)) == dates


def test_a_struck_holiday_is_a_working_day() -> None:
    plain = Rule(PlanSpan.MONTH, PlanDay.WORKING, time(7), "Europe/Amsterdam", calendar=WorkCalendar("NL"))
    assert days(plain, 1, date(2026, 12, 25)) == ["2027-01-04"]
    new_year = WorkCalendar("NL", struck=frozenset({date(2027, 1, 1)}))
    assert new_year.holiday_name(date(2027, 1, 1)) == ""
    works = Rule(PlanSpan.MONTH, PlanDay.WORKING, time(7), "Europe/Amsterdam", calendar=new_year)
    assert days(works, 1, date(2026, 12, 25)) == ["2027-01-01"]


def test_a_quarter_counts_its_days_from_its_first() -> None:
    rule = Rule(PlanSpan.QUARTER, PlanDay.WORKING, time(7), "UTC", nth=5)
    assert days(rule, 3, date(2026, 11, 30)) == ["2027-01-07", "2027-04-07", "2027-07-07"]


def test_the_moment_itself_is_not_after_itself() -> None:
    rule = Rule(PlanSpan.MONTH, PlanDay.OF_MONTH, time(7), "Europe/Amsterdam", nth=1)
    first = next(moments(rule, BEGIN))
    assert next(moments(rule, first.due)).day == date(2026, 2, 1)
    assert next(moments(rule, first.due - timedelta(microseconds=1))) == first
    assert first.due == instant_of(date(2026, 1, 1), time(7), "Europe/Amsterdam")


def test_a_day_that_is_shifted_keeps_the_month_of_its_rule() -> None:
    """1 August 2026 is a Saturday: the run is made on 31 July, and takes July as the rule says."""
    rule = Rule(
        PlanSpan.MONTH, PlanDay.OF_MONTH, time(7), "UTC", nth=1, shift=PlanShift.BEFORE,
    )  # fmt: skip
    found = next(moments(rule, datetime(2026, 7, 15, tzinfo=UTC)))
    assert (found.day, found.nominal) == (date(2026, 7, 31), date(2026, 8, 1))
    assert invoice_period(PlanPeriod.LAST_MONTH, found.nominal) == (date(2026, 7, 1), date(2026, 7, 31))


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (PlanPeriod.THIS_MONTH, "2027-03-01", "2027-03-31"),
        (PlanPeriod.LAST_MONTH, "2027-02-01", "2027-02-28"),
        (PlanPeriod.MONTH_BEFORE_LAST, "2027-01-01", "2027-01-31"),
        (PlanPeriod.LAST_QUARTER, "2026-10-01", "2026-12-31"),
        (PlanPeriod.LAST_WEEK, "2027-02-22", "2027-02-28"),
        (PlanPeriod.LAST_7_DAYS, "2027-02-24", "2027-03-02"),
    ],
)
def test_which_invoices(period: PlanPeriod, first: str, last: str) -> None:
    found = invoice_period(period, date(2027, 3, 3))
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


def test_the_countries_are_known_by_two_letters() -> None:
    assert set(COUNTRIES) <= set(countries())
    assert all(len(code) == 2 for code in countries())
