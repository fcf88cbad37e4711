"""Text from outside does nothing where it is printed (F9)."""

from __future__ import annotations

import pytest

from webapp.printable import has_controls, printable


@pytest.mark.security("C27")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Ç, 日本 and “quotes”", "plain Ç, 日本 and “quotes”"),
        ("one\nrun 7: sent", "one␊run 7: sent"),
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("a\x7f\x9b31m", "a␡\ufffd31m"),
        ("a\u2028b\u202etxt.exe\u2066", "a\ufffdb\ufffdtxt.exe\ufffd"),
    ],
)
def test_f9_controls_become_visible(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert has_controls(text) == (text != shown)
