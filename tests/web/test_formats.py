"""How things are written on the pages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from webapp import notation
from webapp.store.types import now
from webapp.translation import ngettext
from webapp.web import formats


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "0%"), (0, 9, "0%"), (1, 1_000_000, "0.1%"), (999_999, 1_000_000, "99.9%"), (9, 9, "100%"),
     (8142, 11857, "68.7%")],
)  # fmt: skip
def test_all_and_nothing_are_only_said_when_it_is_so(part: int, whole: int, said: str) -> None:
    assert formats.share(part, whole) == said


def test_amounts_have_their_currency_and_all_their_decimals() -> None:
    assert notation.money(Decimal("18902.17"), "EUR") == "€\u00a018,902.17"
    assert notation.money(Decimal("-1930.605"), "CHF") == "CHF\u00a0-1,930.605"


def test_sizes_and_counts() -> None:
    assert [formats.size(n) for n in (33, 184_000, 1_400_000)] == ["33 B", "184 kB", "1.4 MB"]
    assert [ngettext("%(num)s mail", "%(num)s mails", n) for n in (0, 1, 12471)] == [
        "0 mails",
        "1 mail",
        "12,471 mails",
    ]


def test_a_moment_carries_its_exact_time_and_zone() -> None:
    said = formats.moment(now())
    assert ">today " in said
    assert 'datetime="' in said
    assert "today" not in formats.moment(now() - timedelta(days=3))


def test_an_address_is_escaped_and_may_be_broken_before_its_at() -> None:
    assert formats.breakable("a&b@x.test") == "a&amp;b<wbr>@x.test"
    assert formats.breakable("<i>") == "&lt;i&gt;"


def test_initials() -> None:
    assert [formats.initials(name) for name in ("Marit de Vries", "marit", "m.devries@x.example", "")] == [
        "MV", "M", "ME", "",
    ]  # fmt: skip
