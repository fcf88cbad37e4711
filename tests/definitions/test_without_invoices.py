"""Before there is any invoice an example shows what a definition would do to all of them."""

from __future__ import annotations

import pytest

from tests.definitions.test_pages import definitions, filled
from tests.http_client import LogIn, text_of
from tests.world import World

__all__ = ["filled"]  # the fixture
WRONG = "there is no invoice. Did you mean invoices?"


def test_one_invoice_is_not_taken_for_several(log_in: LogIn, world: World, filled: dict[str, object]) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    one = {**filled, "subject": "Invoice {{ invoice.number }}"}
    asked = browser.press("/definitions", **one, collate="y")
    assert (asked.status_code, WRONG in text_of(asked)) == (422, True)
    assert "Reminder" not in definitions(world)
    assert browser.press("/definitions", **one).status_code == 303


@pytest.mark.parametrize(
    ("subject", "collated"),
    [
        ("{{ customer.metadata.contact }}", {}),
        ("{{ invoice.data.calls }}", {}),
        ("{% for each in invoices %}{{ each.data.calls }}{% endfor %}", {"collate": "y"}),
    ],
)
def test_what_only_the_data_know_is_no_mistake(
    log_in: LogIn, world: World, filled: dict[str, object], subject: str, collated: dict[str, str]
) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    answer = browser.press("/definitions", **{**filled, "subject": subject, **collated})
    assert answer.status_code == 303
