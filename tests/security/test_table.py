"""The table of the security checks is whole: each of them has a test that names its id."""

from __future__ import annotations

from tests.security.table import CHECKED, marked


def test_every_check_has_a_test() -> None:
    assert list(CHECKED) == [f"C{number}" for number in range(1, 31)]
    assert set().union(*marked().values()) == set(CHECKED)
