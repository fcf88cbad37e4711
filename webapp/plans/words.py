"""Plans in words: when, which invoices, what then, and what became of a date."""

from __future__ import annotations

from datetime import date, timedelta

from babel import Locale
from babel.dates import format_date, get_day_names

from webapp import notation
from webapp.oddities.kinds import OddityKind
from webapp.oddities.words import TITLES
from webapp.plans.month_grid import GridDay
from webapp.plans.rules import Moment, Rule
from webapp.plans.workdays import countries
from webapp.store.plans import (
    OccurrenceState,
    PlanAction,
    PlanDay,
    PlanOccurrence,
    PlanPeriod,
    PlanShift,
    PlanSpan,
)
from webapp.store.statuses import RunStatus
from webapp.translation import N_, _, translated

EVERY_WORDS = {
    PlanSpan.MONTH: N_("every month"),
    PlanSpan.QUARTER: N_("every quarter"),
    PlanSpan.WEEK: N_("every week"),
}
DAY_WORDS = {
    PlanDay.WORKING: N_("working day"),
    PlanDay.LAST_WORKING: N_("working day from the end"),
    PlanDay.OF_MONTH: N_("day of the month"),
    PlanDay.LAST: N_("last day"),
    PlanDay.WEEKDAY: N_("weekday"),
    PlanDay.LAST_WEEKDAY: N_("weekday from the end"),
}
SHIFT_WORDS = {
    PlanShift.NONE: N_("stays on that day"),
    PlanShift.BEFORE: N_("moves to the working day before"),
    PlanShift.AFTER: N_("moves to the working day after"),
}
PERIOD_WORDS = {
    PlanPeriod.LAST_MONTH: N_("last month"),
    PlanPeriod.THIS_MONTH: N_("this month"),
    PlanPeriod.MONTH_BEFORE_LAST: N_("the month before last"),
    PlanPeriod.LAST_QUARTER: N_("last quarter"),
    PlanPeriod.LAST_WEEK: N_("last week, Monday to Sunday"),
    PlanPeriod.LAST_7_DAYS: N_("the last 7 days"),
}
ACTION_WORDS = {
    PlanAction.START: N_("Start by itself if all is as expected"),
    PlanAction.WAIT: N_("Wait for a person"),
    PlanAction.CREATE: N_("Only create it"),
}
STATE_WORDS = {
    OccurrenceState.CREATING: N_("Being created"),
    OccurrenceState.STARTED: N_("Started by itself"),
    OccurrenceState.ASKED: N_("Put forward for approval"),
    OccurrenceState.UNEXPECTED: N_("Not as expected"),
    OccurrenceState.WAITING: N_("Left to a person"),
    OccurrenceState.CREATED: N_("Created"),
    OccurrenceState.HELD: N_("Held"),
    OccurrenceState.SKIPPED: N_("Skipped"),
    OccurrenceState.TAKEN: N_("Left to the person who took it over"),
}
STATE_LOOKS = {
    OccurrenceState.CREATING: "ready",
    OccurrenceState.STARTED: "ready",
    OccurrenceState.ASKED: "deferred",
    OccurrenceState.UNEXPECTED: "deferred",
    OccurrenceState.WAITING: "deferred",
    OccurrenceState.CREATED: "ready",
    OccurrenceState.HELD: "failed",
    OccurrenceState.SKIPPED: "skipped",
    OccurrenceState.TAKEN: "ready",
}
ODDITY_NAMES = {
    OddityKind.NUMBER: N_("Many more or fewer invoices than last time"),
    OddityKind.AMOUNT: N_("A much higher or lower total than last time"),
    **TITLES,
}
"""The kinds of oddity, in the order in which they are told."""
ORDINALS = (
    *(N_("first"), N_("second"), N_("third"), N_("fourth"), N_("fifth")),
    *(N_("sixth"), N_("seventh"), N_("eighth"), N_("ninth"), N_("tenth")),
)
NTH_MAX = 31


def oddity_address(run_id: int, kind: str) -> str:
    """Where the oddities of this kind in a run are shown: its list, or beside the totals."""
    here = f"/runs/{run_id}/oddities"
    return f"{here}/{kind}" if kind in TITLES else here


def state_look(occurrence: PlanOccurrence) -> str:
    """How the state of a date looks: it asks for a person only as long as its run waits for one."""
    run, look = occurrence.run, STATE_LOOKS[OccurrenceState(occurrence.state)]
    return "ready" if look == "deferred" and (run is None or run.status != RunStatus.CREATED) else look


def weekday_names() -> list[str]:
    """Monday to Sunday, in the reader's language."""
    names = get_day_names("wide", locale=notation.current().language)
    return [str(names[number]) for number in range(7)]


def weekday_heads() -> list[tuple[str, str]]:
    """Monday to Sunday over a calendar: in two or three letters, and in full."""
    short = get_day_names("short", locale=notation.current().language)
    return [(str(short[number]), name) for number, name in enumerate(weekday_names())]


def month_name(first: date) -> str:
    """December 2026"""
    return str(format_date(first, "LLLL y", locale=notation.current().language))


def about_day(shown: GridDay) -> str:
    """What is said of a day in the calendar beside its number: why it is off, that it is today."""
    off = _("day off") if shown.is_off and not shown.is_weekend else ""
    return ", ".join(filter(None, (_("today") if shown.is_today else "", shown.holiday or off)))


def country_names() -> list[tuple[str, str]]:
    """The countries whose holidays are known, by code, in the order of their names."""
    territories = Locale.parse(notation.current().language).territories
    named = [(code, str(territories.get(code, code))) for code in countries()]
    return sorted(named, key=lambda each: each[1])


def when(rule: Rule) -> str:
    """When the plan makes a run: every month on the third working day at 07:00, Europe/Amsterdam"""
    every = translated(EVERY_WORDS[rule.every])
    told = {"every": every, "day": _day(rule), "time": f"{rule.at:%H:%M}", "zone": rule.zone}
    if rule.shift == PlanShift.BEFORE:
        return _("%(every)s on %(day)s, or the working day before, at %(time)s, %(zone)s", **told)
    if rule.shift == PlanShift.AFTER:
        return _("%(every)s on %(day)s, or the working day after, at %(time)s, %(zone)s", **told)
    return _("%(every)s on %(day)s at %(time)s, %(zone)s", **told)


def _day(rule: Rule) -> str:
    nth, weekday = ordinal(rule.nth), weekday_names()[rule.weekday]
    if rule.day == PlanDay.OF_MONTH:
        return _("day %(num)s", num=rule.nth)
    if rule.day == PlanDay.LAST:
        return _("the last day")
    if rule.day == PlanDay.WORKING:
        return _("the %(nth)s working day", nth=nth)
    if rule.day == PlanDay.LAST_WORKING:
        return (
            _("the last working day") if rule.nth == 1 else _("the %(nth)s working day from the end", nth=nth)
        )
    if rule.every == PlanSpan.WEEK:
        return weekday
    if rule.day == PlanDay.WEEKDAY:
        return _("the %(nth)s %(weekday)s", nth=nth, weekday=weekday)
    if rule.nth == 1:
        return _("the last %(weekday)s", weekday=weekday)
    return _("the %(nth)s %(weekday)s from the end", nth=nth, weekday=weekday)


def ordinal(nth: int) -> str:
    """third; from the eleventh on: number 11"""
    return translated(ORDINALS[nth - 1]) if nth <= len(ORDINALS) else _("number %(num)s", num=nth)


def holidays_before(rule: Rule, moment: Moment) -> list[str]:
    """The holidays on weekdays that made this date what it is, such as "1 Jan New Year's Day": those of its
    week or month up to it."""
    first = moment.nominal.replace(day=1)
    if rule.every == PlanSpan.WEEK:
        first = moment.nominal - timedelta(days=moment.nominal.weekday())
    until = max(moment.day, moment.nominal)
    between = (first + timedelta(days=n) for n in range((until - first).days + 1))
    return [said for day in between if (said := _holiday(rule, day))]


def _holiday(rule: Rule, day: date) -> str:
    name = rule.calendar.holiday_name(day)
    return f"{notation.day(day)} {name}" if name and day.weekday() < 5 else ""
