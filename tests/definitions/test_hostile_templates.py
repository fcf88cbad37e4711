"""Hostile templates in what stands beside the forms: an error in words, soon, and the page lives on."""

from __future__ import annotations

import time

import pytest

from tests.http_client import LogIn
from tests.mailing.hostile import BOMBS, PAYLOADS
from tests.world import World


@pytest.mark.security("C5", "C6")
def test_a_preview_shows_an_error_for_each_of_them_and_nothing_else(log_in: LogIn, world: World) -> None:
    world.add("ada@customers.test")
    browser = log_in("manager")
    browser.look("/templates/new")
    for source in (*PAYLOADS, *BOMBS):
        began = time.monotonic()
        typed = {"name": "Mine", "format": "html", "language": "", "source": source}
        answer = browser.press("/templates/check", **typed)
        seconds = time.monotonic() - began
        assert answer.status_code == 200, source
        assert "no errors." not in answer.text, source
        assert 'class="note is-failed' in answer.text, source
        assert "root:" not in answer.text
        assert seconds < 7, f"{source}: {seconds:.1f} s"
    fine = {"name": "Mine", "format": "html", "language": "", "source": "<p>{{ customer.name }}</p>"}
    assert "no errors." in browser.press("/templates/check", **fine).text
