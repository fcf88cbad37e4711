"""How numbers, amounts, sizes, days and moments are written on the pages: in the time zone and the styles of
the person who reads (webapp/notation.py)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Flask
from jinja2 import Environment
from markupsafe import Markup, escape

from webapp import notation, translation
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import _, ngettext


def init_app(app: Flask) -> None:
    """Give the templates these filters, and the texts in the reader's language."""
    _translate(app.jinja_env)
    numbers = (number, share, size, per_second)
    times = (clock, moment, day, whole_day, soon, roughly, lasted, short_time)
    for template_filter in (*numbers, *times, initials, breakable):
        app.add_template_filter(template_filter)
    for of_texts in (translation.translated, translation.capital, translation.within):
        app.add_template_filter(of_texts)
    app.add_template_filter(retold)
    app.add_template_global(notation.money)


def _translate(environment: Environment) -> None:
    """Have `_`, `ngettext` and trans blocks in templates (webapp/translation.py). A text may have markup; its
    values are escaped."""
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True

    def gettext(message: str, /, **values: object) -> Markup:
        return translation.markup(message, values)

    def ngettext(singular: str, plural: str, num: int, /, **values: object) -> Markup:
        return translation.plural_markup(singular, plural, num, values)

    environment.globals.update(_=gettext, gettext=gettext, ngettext=ngettext)


def number(value: int) -> str:
    """12471 → 12,471"""
    return notation.number(value)


def share(part: int, whole: int) -> str:
    """The part in per cent, never rounded up to all nor down to nothing: 68.7%"""
    if not whole:
        return "0%"
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(99.9, max(0.1, percent))
    return notation.number(percent, ".0f" if f"{percent:.1f}".endswith(".0") else ".1f") + "%"


def size(count: int) -> str:
    """184000 → 184 kB"""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{notation.number(count / 1_000_000, '.1f')} MB"


def day(at: date) -> str:
    """10 Nov"""
    return notation.day(at)


def whole_day(at: date) -> str:
    """10 Nov 2026"""
    return notation.day(notation.local(at) if isinstance(at, datetime) else at, year=True)


def clock(at: datetime) -> Markup:
    """A moment in a column: 11:31:07 today, else 20 Nov 16:40."""
    return _time(at, "%H:%M:%S", "")


def moment(at: datetime) -> Markup:
    """A moment in a sentence: today 10:54, else 20 Nov 16:40."""
    return _time(at, "%H:%M", _("today") + " ")


def short_time(at: datetime, span: timedelta = timedelta()) -> str:
    """A moment on a chart that shows such a span: 13:15, over minutes 13:15:20, over days 20 Nov 13:15."""
    local = notation.local(at)
    if span > timedelta(days=1):
        return f"{notation.day(local)} {local:%H:%M}"
    return f"{local:%H:%M:%S}" if timedelta() < span < timedelta(minutes=8) else f"{local:%H:%M}"


def roughly(span: timedelta) -> str:
    """A future span of time: about 18 min, about 3 h 20 min."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 100:
        return _("about %(minutes)s min", minutes=minutes)
    if minutes < 48 * 60:
        hours, rest = minutes // 60, minutes % 60 // 10 * 10
        if not rest:
            return _("about %(hours)s h", hours=hours)
        return _("about %(hours)s h %(minutes)s min", hours=hours, minutes=rest)
    return _("about %(days)s days", days=minutes // 1440)


def lasted(span: timedelta) -> str:
    """A past span of time: in 8 minutes"""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return ngettext("in %(num)s second", "in %(num)s seconds", max(1, seconds))
    if seconds < 90 * 60:
        return ngettext("in %(num)s minute", "in %(num)s minutes", round(seconds / 60))
    if seconds < 48 * 3600:
        return ngettext("in %(num)s hour", "in %(num)s hours", round(seconds / 3600))
    return ngettext("in %(num)s day", "in %(num)s days", round(seconds / 86400))


def per_second(rate: float) -> str:
    """3.42 → 3.4 mails per second; of less than one in three seconds: 12 mails per minute"""
    if rate >= 10:
        return _("%(rate)s mails per second", rate=notation.number(rate, ".0f"))
    if rate >= 0.3:
        return _("%(rate)s mails per second", rate=notation.number(rate, ".1f"))
    return ngettext("%(num)s mail per minute", "%(num)s mails per minute", max(1, round(rate * 60)))


def soon(at: datetime) -> Markup:
    """A future moment, in a sentence: 11:52 today, else 20 Nov 16:40."""
    return _time(at, "%H:%M", "")


def _time(at: datetime, of_today: str, today: str) -> Markup:
    local, here = notation.local(at), notation.local(now())
    if local.date() == here.date():
        shown = today + local.strftime(of_today)
    else:
        shown = f"{notation.day(local, year=local.year != here.year)} {local:%H:%M}"
    exact = f"{notation.day(local, year=True)} {local:%H:%M:%S}, {notation.zone_words(local)}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(), exact, shown)


def initials(name: str) -> str:
    """Marit de Vries → MV"""
    words = name.replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


def breakable(address: str) -> Markup:
    """An address that may be broken before its @."""
    local, at, domain = address.rpartition("@")
    return escape(local) + Markup("<wbr>" if local else "") + escape(at + domain)  # noqa: S704  # constant
