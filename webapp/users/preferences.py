"""How a user reads: name, language, time zone, date and number style, keyboard shortcuts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from webapp import edits, notation, translation
from webapp.errors import Refused
from webapp.notation import DateStyle, NumberStyle
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users import accounts

LANGUAGES = {"": N_("As the browser asks for"), **translation.LANGUAGES}
"""Of the pages. Customers get mails in their own language."""
DATE_STYLES = {
    DateStyle.WORDS: N_("24 Nov 2026"),
    DateStyle.DOTS: "24.11.2026",
    DateStyle.SLASHES: "24/11/2026",
    DateStyle.MONTH_FIRST: "11/24/2026",
    DateStyle.ISO: "2026-11-24",
}
NUMBER_STYLES = {
    NumberStyle.LANGUAGE: N_("As in your language"),
    NumberStyle.COMMA: "1,234.50",
    NumberStyle.DOT: "1.234,50",
    NumberStyle.SPACE: "1\u202f234,50",
    NumberStyle.APOSTROPHE: "1’234.50",
}
COLUMNS = ("name", "language", "time_zone", "date_style", "number_style", "shortcuts")


def values_of(user: User) -> dict[str, str | bool]:
    """What a user sets for themselves, as it is stored."""
    return {name: getattr(user, name) for name in COLUMNS}


def change(session: Session, user: User, given: Mapping[str, str]) -> bool:
    """Store what this user chose; returns whether anything differs. Raises Refused."""
    after: dict[str, str | bool] = {
        "name": accounts.named(given.get("name", "")) or user.name,
        "language": _one_of(given.get("language", ""), LANGUAGES, N_("Choose a language from the list.")),
        "time_zone": _time_zone(given.get("time_zone", "").strip()),
        "date_style": _one_of(
            given.get("date_style", ""), [*DATE_STYLES], N_("Choose a date style from the list.")
        ),
        "number_style": _one_of(
            given.get("number_style", ""), [*NUMBER_STYLES], N_("Choose a number style from the list.")
        ),
        "shortcuts": bool(given.get("shortcuts")),
    }
    before = values_of(user)
    for column, value in after.items():
        setattr(user, column, value)
    return edits.note_change(session, user.email, user.email, before, after)


def _one_of(value: str, choices: Collection[str], refusal: str) -> str:
    if value not in choices:
        raise Refused(_(refusal))
    return value


def _time_zone(name: str) -> str:
    """The zone of this name, or the only one of this city: Amsterdam."""
    if not name:
        return ""
    typed = name.lower().replace(" ", "_")
    found = [zone for zone in notation.zones() if zone.lower() == typed]
    found = found or [zone for zone in notation.zones() if zone.lower().endswith(f"/{typed}")]
    if len(found) != 1:
        raise Refused(
            _(
                "“%(name)s” is no time zone. Choose one from the list, such as Europe/Amsterdam.",
                name=name[:64],
            )
        )
    return found[0]
