"""How long a login lasts: 12 idle hours, 7 days in any case; a page that polls does not keep it awake."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from tests.http_client import Browser, LogIn
from tests.world import World

HOUR = 3600.0


class Clock:
    """The time of day, as the sessions see it, moved forward by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        real = time.time
        monkeypatch.setattr("webapp.web.sessions.time.time", lambda: real() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def is_in(browser: Browser) -> bool:
    return browser.look("/runs").status_code == 200


@pytest.mark.security("C14")
def test_twelve_idle_hours_end_it(clock: Clock, log_in: LogIn) -> None:
    browser = log_in()
    clock.ahead = 11.9 * HOUR
    assert is_in(browser)
    clock.ahead += 11.9 * HOUR
    assert is_in(browser)  # the last look counted
    clock.ahead += 12.1 * HOUR
    assert not is_in(browser)


@pytest.mark.security("C14")
def test_after_seven_days_it_ends_however_busy(clock: Clock, log_in: LogIn) -> None:
    browser = log_in()
    for _ in range(16):
        clock.ahead += 10 * HOUR
        assert is_in(browser)
    clock.ahead += 10 * HOUR
    assert not is_in(browser)


@pytest.mark.security("C14")
def test_a_page_that_polls_does_not_keep_it_awake(clock: Clock, log_in: LogIn, world: World) -> None:
    run_id = world.run()
    browser = log_in()
    clock.ahead = 11.9 * HOUR
    assert browser.look(f"/runs/{run_id}/live", htmx=True).status_code == 200
    clock.ahead = 12.1 * HOUR
    assert browser.look(f"/runs/{run_id}/live", htmx=True).status_code == 401
    assert not is_in(browser)


def test_two_sessions_of_one_user_end_apart(pages: Flask, log_in: LogIn) -> None:
    first = log_in("manager")
    second = Browser(pages.test_client())
    second.log_in("manager@example.com")
    first.look("/account")
    first.press("/logout")
    assert (is_in(first), is_in(second)) == (False, True)


@pytest.mark.security("C14")
def test_the_cookie_is_secure_when_the_request_is(pages: Flask) -> None:
    by_https = pages.test_client().get("/login", base_url="https://localhost")
    assert "; Secure;" in by_https.headers["Set-Cookie"]
    assert "Secure" not in pages.test_client().get("/login").headers["Set-Cookie"]
