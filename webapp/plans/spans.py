"""Which invoice period a plan takes, counted from the day that its rule names."""

from __future__ import annotations

from datetime import date, timedelta

from webapp.store.plans import PlanPeriod

ONE_DAY = timedelta(days=1)


def invoice_period(period: PlanPeriod, day: date) -> tuple[date, date]:
    """The first and the last day, both included."""
    if period == PlanPeriod.THIS_MONTH:
        return _month(day)
    if period == PlanPeriod.LAST_MONTH:
        return _month(day.replace(day=1) - ONE_DAY)
    if period == PlanPeriod.MONTH_BEFORE_LAST:
        return _month((day.replace(day=1) - ONE_DAY).replace(day=1) - ONE_DAY)
    if period == PlanPeriod.LAST_QUARTER:
        end = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1) - ONE_DAY
        return date(end.year, end.month - 2, 1), end
    if period == PlanPeriod.LAST_WEEK:
        monday = day - timedelta(days=day.weekday() + 7)
        return monday, monday + 6 * ONE_DAY
    return day - 7 * ONE_DAY, day - ONE_DAY


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - ONE_DAY
