"""The calendar of a plan: which months, which days, and what is said of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time

from flask import Flask
from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.plans.conftest import Plans
from webapp.plans.month_grid import GridDay, MonthGrid, dates_shown, month_grids
from webapp.plans.rules import Rule
from webapp.plans.workdays import WorkCalendar
from webapp.store.plans import Plan, PlanDay, PlanSpan

AT = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
"""1 December already, in Amsterdam."""
THIRD = Rule(PlanSpan.MONTH, PlanDay.WORKING, time(7), "Europe/Amsterdam", nth=3, calendar=WorkCalendar("NL"))
FRIDAYS = replace(THIRD, every=PlanSpan.WEEK, day=PlanDay.WEEKDAY, weekday=4)


def days_of(grid: MonthGrid) -> dict[int, GridDay]:
    return {each.day.day: each for week in grid.weeks for each in week if each}


def grids(rule: Rule, at_least: int = 12) -> list[MonthGrid]:
    return month_grids(rule, dates_shown(rule, at_least, AT), AT)


def test_a_month_for_each_date_each_with_that_date() -> None:
    found = grids(THIRD)
    assert [grid.first for grid in found][:2] == [date(2026, 12, 1), date(2027, 1, 1)]
    assert len(found) == 12
    for grid in found:
        assert len([day for day in days_of(grid).values() if day.moment]) == 1
    assert days_of(found[0])[3].moment is not None


def test_a_month_has_each_of_its_days_under_its_weekday() -> None:
    for grid in grids(THIRD):
        assert {len(week) for week in grid.weeks} == {7}
        for week in grid.weeks:
            assert [n for n, each in enumerate(week) if each] == [each.day.weekday() for each in week if each]
    assert sorted(days_of(grids(THIRD)[0])) == list(range(1, 32))


def test_the_last_month_has_all_of_its_dates() -> None:
    found = dates_shown(FRIDAYS, 3, AT)
    assert [each.day.day for each in found] == [4, 11, 18, 25]
    [december] = grids(FRIDAYS, 3)
    assert [n for n, each in days_of(december).items() if each.moment] == [4, 11, 18, 25]


def test_days_off_and_today() -> None:
    off = WorkCalendar("NL", frozenset([date(2026, 12, 24)]), frozenset([date(2026, 12, 25)]))
    december = days_of(grids(replace(THIRD, calendar=off))[0])
    assert [n for n, each in december.items() if each.is_off and not each.is_weekend] == [24]
    assert (december[26].holiday != "", december[26].is_weekend) == (True, True)
    assert (december[25].is_off, december[25].holiday) == (False, "")
    assert [n for n, each in december.items() if each.is_today] == [1]


def test_the_page_shows_it_without_script(pages: Flask, log_in: LogIn, plans: Plans) -> None:
    plan_id = plans.add(days_added=["2031-06-11"])
    page = log_in("viewer").look(f"/plans/{plan_id}")
    linked = re.findall(r'href="#(date-[^"]+)"', page.text)
    assert len(linked) == len(set(linked)) == 12
    assert all(f'id="{row}"' in page.text for row in linked)
    assert page.text.count('<table class="month">') == 12
    words = text_of(page)
    assert "run at 07:00" in words
    assert "9 further months" in words


def test_a_plan_whose_country_is_not_known_here_has_no_dates(
    pages: Flask, log_in: LogIn, plans: Plans
) -> None:
    plan_id = plans.add(paused_by="Mailrun", paused_at=AT, next_at=None, next_day=None, next_nominal=None)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(Plan).values(country="ZZ", problem="unknown"))
    browser = log_in("manager")
    page = browser.look(f"/plans/{plan_id}")
    assert page.status_code == 200
    assert '<table class="month">' not in page.text
    answer = browser.press(f"/plans/{plan_id}/resume")
    assert answer.status_code == 303
    assert plans.plan(plan_id).paused_at is not None
    assert "are not known on this machine" in text_of(browser.look(f"/plans/{plan_id}"))
