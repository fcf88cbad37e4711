"""The fault table is whole: each of its rows has a test with its id."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_row_has_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    found = {int(number) for number in re.findall(r"def test_f(\d\d)_", tests)}
    assert found == set(range(1, 49))
