"""Equal spellings of a number or a name are equal; different ones are not."""

from __future__ import annotations

import pytest

from webapp.documents import spelling

NUMBER = "INV-2026-0003"


@pytest.mark.parametrize(
    "written",
    [
        *(NUMBER.replace("-", hyphen) for hyphen in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\uff0d"),
        "INV-2026-\r\n0003",
        "INV-2026\x02\r\n0003",
        "INV-20\u00ad26-00\ufffe\n03",
        "ＩＮＶ-２０２６-０００３",
        "I\u200bNV-2026-\u20600003",
        "inv - 2026 - 0003",
        "INV-2026-0003-annex",
        "INV-2026-0003-\nannex",
    ],
)
def test_c4_a_number_is_found_however_it_is_written(written: str) -> None:
    assert spelling.word(NUMBER).search(spelling.plain(f"Invoice {written}, page 1"))
    assert spelling.word(written.split("-annex")[0].split("-\nannex")[0]).search(spelling.plain(NUMBER))


@pytest.mark.parametrize(
    "written",
    [
        "INV2026-0003",
        "INV-2026-00031",
        "INV-2026-0003-\n1",
        "INV-2026-0003\u00ad1",
        "INV_2026_0003",
        "INV-2026-003",
    ],
)
def test_c4_another_number_is_not_found(written: str) -> None:
    assert not spelling.word(NUMBER).search(spelling.plain(f"Invoice {written}, page 1"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("O'Brien", "O\u2019Brien"),
        ("O\u2019Brien", "O'Brien"),
        ("O'Brien", "O\u02bcBrien"),
        ("O'Brien", "O\u00b4Brien"),
        ("Müller-Lüdenscheidt", "Müller-\nLüdenscheidt"),
        ("Müller-Lüdenscheidt", "Müller\ufffeLüdenscheidt"),
        ("Müller-Lüdenscheidt", "Müller-Lüden-\r\nscheidt"),
        ("Müller\u2013Lüdenscheidt", "Mu\u0308ller-Lüdenscheidt"),
        ("Donaudampfschiff", "Donau-\ndampfschiff"),
        ("Café «Zur Post»", 'CAFE\u0301 "Zur Post"'),
        ("Straße 7", "STRASSE 7"),
    ],
)
def test_c4_a_name_is_found_however_it_is_written(name: str, written: str) -> None:
    assert spelling.name(name).search(spelling.plain(f"To {written}, town"))


@pytest.mark.parametrize(
    ("name", "written"), [("Berg", "Van den Bergh"), ("Müller", "Müllerin"), ("Dau", "Dau\u00admann")]
)
def test_c4_another_name_is_not_found(name: str, written: str) -> None:
    assert not spelling.name(name).search(spelling.plain(f"To {written}, town"))
