"""Test mails from the definition form."""

from __future__ import annotations

from tests.http_client import LogIn
from tests.world import World


def test_e12_why_no_test_was_sent_is_told_where_the_person_looks(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    answer = browser.press("/definitions/test", htmx=True)
    assert "There is nothing to send yet." in answer.text
    assert 'class="toast"' in answer.text
