"""Sessions: each login is listed with its device, and can be ended alone; what ends all of them."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.http_client import PASSWORD, Browser, LogIn, text_of
from webapp.extensions import Runtime
from webapp.store.types import now
from webapp.store.users import AuditEntry, User, UserSession
from webapp.web.devices import device_words

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Mobile/15E148 Safari/604.1"
)
EDGE = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


def another(pages: Flask, email: str, agent: str = IPHONE) -> Browser:
    """A second browser of the same person."""
    browser = Browser(pages.test_client())
    browser.client.environ_base["HTTP_USER_AGENT"] = agent
    assert browser.log_in(email).status_code == 303
    return browser


def is_in(browser: Browser) -> bool:
    return browser.look("/account").status_code == 200


def rows(runtime: Runtime) -> list[UserSession]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(UserSession).order_by(UserSession.id)))


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (EDGE, "Edge on Linux"),
        ("<script>alert(1)</script>", "Another browser"),
        ("", "Another browser"),
    ],
)
def test_a_device_is_told_in_words_of_our_own(agent: str, words: str) -> None:
    assert device_words(agent) == words


def test_the_account_lists_the_browsers_that_are_logged_in(pages: Flask, log_in: LogIn) -> None:
    browser = log_in("manager")
    another(pages, "manager@example.com")
    said = text_of(browser.look("/account"))
    assert "Safari on iPhone" in said
    assert said.count("this one") == 1
    assert "from 127.0.0.1" in said


@pytest.mark.security("C14")
def test_ending_one_session_ends_it_at_its_next_request(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    browser = log_in("manager")
    phone, laptop = another(pages, "manager@example.com"), another(pages, "manager@example.com", EDGE)
    of_phone = next(row for row in rows(runtime) if row.device == "Safari on iPhone")
    browser.look("/account")
    assert browser.press(f"/account/sessions/{of_phone.id}/end").location == "/account"
    assert (is_in(browser), is_in(phone), is_in(laptop)) == (True, False, True)
    browser.look("/account")
    browser.press("/account/sessions/end")
    assert (is_in(browser), is_in(laptop)) == (True, False)
    with runtime.database.reading() as session:
        said = session.scalars(select(AuditEntry.action)).all()
    assert said.count("session ended") == said.count("sessions ended") == 1


@pytest.mark.security("C14")
def test_no_one_ends_another_persons_session(log_in: LogIn, runtime: Runtime) -> None:
    owner, other = log_in("manager"), log_in("viewer")
    [of_owner] = [row for row in rows(runtime) if row.id == min(each.id for each in rows(runtime))]
    other.look("/account")
    assert other.press(f"/account/sessions/{of_owner.id}/end").status_code == 404
    other.look("/account")
    other.press("/account/sessions/end")
    assert is_in(owner)


@pytest.mark.security("C14")
def test_a_changed_password_ends_all_others_and_keeps_this_one(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    browser, phone = log_in("viewer"), another(pages, "viewer@example.com")
    old_cookie = browser.client.get_cookie("mailrun")
    browser.look("/account")
    new = {"password": "another horse battery", "password_again": "another horse battery"}
    wrong = browser.press("/account/password", password_now="guessed", **new)
    assert (wrong.status_code, "not your present password" in text_of(wrong)) == (422, True)
    differ = browser.press("/account/password", password_now=PASSWORD, **{**new, "password_again": "x"})
    assert "differ" in text_of(differ)
    short = browser.press("/account/password", password_now=PASSWORD, password="x", password_again="x")
    assert "10 to 1000 characters" in text_of(short)
    assert is_in(phone)
    browser.look("/account")
    assert browser.press("/account/password", password_now=PASSWORD, **new).location == "/account"
    assert (is_in(browser), is_in(phone)) == (True, False)
    thief = pages.test_client()
    assert old_cookie is not None
    thief.set_cookie("mailrun", old_cookie.value)
    assert thief.get("/account").status_code == 303
    assert Browser(pages.test_client()).log_in("viewer@example.com").status_code == 401
    assert len(rows(runtime)) == 1


def test_guessing_the_present_password_is_limited(log_in: LogIn) -> None:
    browser = log_in("manager")
    browser.look("/account")
    for _ in range(6):
        answer = browser.press("/account/password", password_now="guess", password="x", password_again="x")
    assert answer.status_code == 429
    assert "Too many tries" in text_of(answer)


def test_the_last_use_is_noted_to_the_minute_and_not_by_each_request(
    log_in: LogIn, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = log_in("manager")
    with runtime.database.writing() as session:
        long_ago = now().replace(year=2020)
        session.execute(update(UserSession).values(seen_at=long_ago))
        session.execute(update(User).values(seen_at=long_ago))
    browser.look("/account").close()
    assert rows(runtime)[0].seen_at == long_ago
    import time

    real = time.time
    monkeypatch.setattr("webapp.web.sessions.time.time", lambda: real() + 61)
    browser.look("/account").close()
    assert (now() - rows(runtime)[0].seen_at).total_seconds() < 60
    with runtime.database.reading() as session:
        seen_at = session.scalar(select(User.seen_at).where(User.email == "manager@example.com"))
    assert seen_at is not None
    assert seen_at > long_ago


@pytest.mark.security("C14")
def test_the_cookie_and_the_row_share_no_secret(log_in: LogIn, runtime: Runtime) -> None:
    """A copy of the database opens no session."""
    browser = log_in("manager")
    [row] = rows(runtime)
    assert re.fullmatch("[0-9a-f]{64}", row.key_hash)
    with browser.client.session_transaction() as cookie:
        assert row.key_hash not in str(dict(cookie))


def test_logging_in_again_with_the_same_browser_leaves_one_session(log_in: LogIn, runtime: Runtime) -> None:
    browser = log_in("manager")
    browser.look("/account")
    answer = browser.press("/login/again", email="manager@example.com", password=PASSWORD)
    assert answer.status_code == 200
    assert len(rows(runtime)) == 1
    assert is_in(browser)
