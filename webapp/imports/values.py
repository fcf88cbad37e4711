"""What a field may hold. A check takes the text of a CSV field and gives the value as the staging tables take
it, or raises ValueError with what is wrong, in words that follow the column's name."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from webapp.currency_marks import unmarked
from webapp.file_styles import Spelling
from webapp.language_names import tag_of
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.printable import LINE_BREAKS
from webapp.store.statuses import Origin
from webapp.translation import _

ABSENT = r"\N"
"""Stands in a column of free fields for a row that does not have the field, as in exports of MySQL and
PostgreSQL. An empty text is a value: a template may name it."""

Check = Callable[[str], Any]

AMOUNT = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,4}))?")
CURRENCY = re.compile(r"[A-Z]{3}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LANGUAGE = re.compile(r"[A-Za-z0-9_-]*")
SUBTAG_TOO_LONG = re.compile(r"[A-Za-z0-9]{9}")
"""No part of a language tag is longer than eight letters and digits (RFC 5646, 2.1)."""
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254


def text(most: int, *, empty: bool = False) -> Check:
    """One line of limited length."""

    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(
                _("has %(count)s characters; at most %(most)s are allowed", count=len(value), most=most)
            )
        if not value and not empty:
            raise ValueError(_("is empty"))
        if not value.isprintable() and LINE_BREAKS.search(value):
            raise ValueError(_("%(value)s has a line break", value=shown(value)))
        return value

    return check


def tag_name(most: int) -> Check:
    """The name of a cluster: a text without the semicolon, which stands between parents."""
    one_line = text(most)

    def check(value: str) -> str:
        if ";" in value:
            words = _("%(value)s has a semicolon, which stands between parents", value=shown(value))
            raise ValueError(words)
        return str(one_line(value))

    return check


def tag_names(most: int) -> Check:
    """Names of clusters with semicolons between them, or none."""
    one = text(most)

    def check(value: str) -> tuple[str, ...]:
        if not value:
            return ()
        names = tuple(one(name.strip()) for name in value.split(";"))
        if repeated := [name for name, times in Counter(names).items() if times > 1]:
            raise ValueError(_("names %(name)s twice", name=shown(repeated[0])))
        return names

    return check


def word(words: Iterable[str]) -> Check:
    """One of these words."""
    allowed = {str(each): str(each) for each in words}

    def check(value: str) -> str:
        try:
            return allowed[value]
        except KeyError:
            words = _("is %(value)s; it must be %(words)s", value=shown(value), words=either(allowed))
            raise ValueError(words) from None

    return check


def truth(value: str) -> bool | None:
    """true or false; empty says nothing."""
    if value not in ("true", "false", ""):
        raise ValueError(_("is %(value)s; it must be true or false", value=shown(value)))
    return None if value == "" else value == "true"


def day_of(spelling: Spelling | None) -> Check:
    """A date as this locale writes it, or as YYYY-MM-DD."""
    return day if spelling is None else lru_cache(maxsize=8192)(lambda value: day(spelling.iso_date(value)))


def day_of_or_none(spelling: Spelling | None) -> Check:
    """The same, or nothing."""
    required = day_of(spelling)
    return lambda value: required(value) if value else None


@lru_cache(maxsize=8192)
def day(value: str) -> str:
    """A date as YYYY-MM-DD."""
    if not DAY.fullmatch(value):
        raise ValueError(_("is %(value)s; a date is written YYYY-MM-DD", value=shown(value)))
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(_("is %(value)s; there is no such day", value=shown(value))) from None


def currency(value: str) -> str:
    """Three capital letters."""
    if not CURRENCY.fullmatch(value):
        words = _("is %(value)s; a currency is three capital letters, such as EUR", value=shown(value))
        raise ValueError(words)
    return value


def language(most: int) -> Check:
    """A language tag such as nl or nl-BE, or none. The name of a language stands for its tag."""

    @lru_cache(maxsize=8192)
    def check(value: str) -> str:
        value = tag_of(value)
        if len(value) > most or not LANGUAGE.fullmatch(value) or SUBTAG_TOO_LONG.search(value):
            words = _("is %(value)s; a language is written like nl or nl-BE", value=shown(value))
            raise ValueError(words)
        return value

    return check


def amount(*, scaled: bool, spelling: Spelling | None = None) -> Check:
    """An exact amount, as this locale writes it. `scaled`: as a whole number of ten-thousandths, as SQLite
    keeps it."""

    def check(value: str) -> int | str:
        if spelling is not None:
            value = spelling.plain_amount(value)
        match = AMOUNT.fullmatch(value)
        if match is None:
            raise ValueError(
                _(
                    "is %(value)s; an amount is written like 1234.50 or -12, with a point, at most 14 digits "
                    "before and 4 after it",
                    value=shown(value),
                )
            )
        if not scaled:
            return value
        sign, whole, places = match.groups("")
        return int(sign + whole + places.ljust(4, "0"))

    return check


class MarkedAmount(NamedTuple):
    """An amount with the sign or code of a currency beside it. `text`: as it stands in the file."""

    amount: int | str
    mark: str
    text: str


def marked_amount(*, scaled: bool, spelling: Spelling | None = None) -> Check:
    """The same, also with spaces around it and the mark of a currency, which must be compared with that of
    the row."""
    plain = amount(scaled=scaled, spelling=spelling)

    def check(value: str) -> Any:
        try:
            return plain(value)
        except ValueError:
            bare, mark = unmarked(value)
            if bare == value:
                raise
        return MarkedAmount(plain(bare), mark, value) if mark else plain(bare)

    return check


def address(value: str) -> str:
    """One address, as it goes on the wire. The everyday kind is checked quickly, its domain once."""
    local, _at, domain = value.partition("@")
    if PLAIN_LOCAL_PART.fullmatch(local) and len(local) <= LONGEST_LOCAL_PART:
        checked = f"{local}@{_checked_domain(domain)}"
        if len(checked) <= LONGEST_ADDRESS and not checked.endswith("@"):
            return checked
    return checked_address(value)


@lru_cache(maxsize=8192)
def _checked_domain(domain: str) -> str:
    """The domain as it goes on the wire; empty if it is none."""
    try:
        return checked_address(f"x@{domain}").removeprefix("x@")
    except BadAddress:
        return ""


def media_type(most: int) -> Check:
    """A media type such as application/pdf, without parameters; empty: to be guessed."""

    def check(value: str) -> str:
        lower = value.lower()
        if value and (len(value) > most or not MEDIA_TYPE.fullmatch(lower)):
            words = _("is %(value)s; a media type is written like application/pdf", value=shown(value))
            raise ValueError(words)
        return lower

    return check


def json_text(value: str) -> str:
    """A value written as JSON, as Mailrun writes it."""
    try:
        return json.dumps(json.loads(value))
    except (ValueError, RecursionError):
        raise ValueError(_("is %(value)s, which is not JSON", value=shown(value[:60]))) from None


def origins(value: str) -> dict[str, str]:
    """A JSON object: address or file name → added or changed; nothing is an empty one."""
    found = json.loads(json_text(value)) if value else {}
    known = (Origin.ADDED.value, Origin.CHANGED.value)
    if not isinstance(found, dict) or not all(each in known for each in found.values()):
        words = _(
            "is %(value)s; it says added or changed for each address or document", value=shown(value[:60])
        )
        raise ValueError(words)
    return found


def shown(value: str) -> str:
    """The value in quotes, cut if it is long, on one line whatever is in it."""
    return repr(value if len(value) <= 60 else value[:57] + "…")


def either(words: Iterable[str]) -> str:
    """a, b or c."""
    *most, last = words
    return _("%(some)s or %(last)s", some=", ".join(most), last=last) if most else last
