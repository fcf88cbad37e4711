"""The second step of a login: nothing opens before it, and what is tried at it is limited and noted."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.factors.codes import code
from tests.http_client import PASSWORD, Browser, LogIn, text_of
from tests.users.with_factors import SetUp, done, give_password, is_in, set_up_app
from webapp.extensions import Runtime
from webapp.store.users import User, UserSession
from webapp.users import accounts, links

pytestmark = pytest.mark.usefixtures("steady_codes")
EMAIL = "manager@example.com"
REFUSED = "second factor refused"


@pytest.fixture
def owner(log_in: LogIn) -> Browser:
    return log_in("manager")


@pytest.fixture
def phone(owner: Browser) -> SetUp:
    return set_up_app(owner)


@pytest.fixture
def half(pages: Flask, phone: SetUp) -> Browser:
    """Another browser, in which the password was given."""
    other = Browser(pages.test_client())
    give_password(other, EMAIL)
    return other


def sessions_of(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(UserSession)) or 0


@pytest.mark.security("C13", "C14")
def test_nothing_opens_before_the_second_step(half: Browser, phone: SetUp, runtime: Runtime) -> None:
    assert sessions_of(runtime) == 1  # the owner's
    for page in ("/", "/account", "/runs", "/account/factors"):
        assert half.look(page).location.startswith("/login")
    assert (half.look("/login/state").json or {})["user"] == ""
    assert half.client.get_cookie("mailrun_device", path="/login") is None
    half.look("/login/code")
    answer = half.press("/login/code", code=code(phone.secret))
    assert (answer.status_code, answer.location, is_in(half)) == (303, "/", True)
    assert sessions_of(runtime) == 2
    assert done(runtime, "login")[-1] == (EMAIL, "login", EMAIL, "from 127.0.0.1, with a code of the app")
    assert done(runtime, "second factor asked") == [(EMAIL, "second factor asked", EMAIL, "from 127.0.0.1")]


@pytest.mark.security("C13")
def test_a_code_is_not_taken_twice(pages: Flask, half: Browser, phone: SetUp, runtime: Runtime) -> None:
    thief = Browser(pages.test_client())
    give_password(thief, EMAIL)
    shown = code(phone.secret)
    assert half.press("/login/code", code=shown).status_code == 303
    answer = thief.press("/login/code", code=shown)
    assert (answer.status_code, is_in(thief)) == (401, False)
    assert "This code does not fit. 4 tries left." in text_of(answer)
    assert done(runtime, REFUSED) == [(EMAIL, REFUSED, EMAIL, "code, from 127.0.0.1")]


def test_a_recovery_code_lets_in_once(pages: Flask, half: Browser, phone: SetUp, runtime: Runtime) -> None:
    assert half.press("/login/code", code=phone.codes[0].lower()).status_code == 303
    assert "9 recovery codes are left" in text_of(half.look("/account"))
    again = Browser(pages.test_client())
    give_password(again, EMAIL)
    assert again.press("/login/code", code=phone.codes[0]).status_code == 401
    assert done(runtime, "recovery code used") == [(EMAIL, "recovery code used", EMAIL, "9 left")]


@pytest.mark.security("C13")
def test_codes_cannot_be_guessed_also_not_by_giving_the_password_again(
    pages: Flask, half: Browser, phone: SetUp, runtime: Runtime
) -> None:
    answers = []
    for n in range(6):
        give_password(half, EMAIL)
        answers.append(half.press("/login/code", code=f"00000{n}").status_code)
    assert answers == [401] * 5 + [429]
    assert half.press("/login/code", code=code(phone.secret)).status_code == 429
    assert done(runtime, REFUSED)[-1][3] == "too many tries from 127.0.0.1"
    elsewhere = Browser(pages.test_client())
    elsewhere.client.environ_base["REMOTE_ADDR"] = "10.0.0.9"
    give_password(elsewhere, EMAIL)
    assert elsewhere.press("/login/code", code=code(phone.secret)).status_code == 303


@pytest.mark.security("C13")
def test_from_many_addresses_together_codes_are_tried_twenty_times_an_hour(
    pages: Flask, phone: SetUp
) -> None:
    answers = []
    for n in range(21):
        guesser = Browser(pages.test_client())
        guesser.client.environ_base["REMOTE_ADDR"] = f"10.0.{n}.1"
        give_password(guesser, EMAIL)
        answers.append(guesser.press("/login/code", code="000000").status_code)
    assert answers == [401] * 20 + [429]


@pytest.mark.security("C14")
def test_the_second_step_ends_after_five_minutes_and_with_the_password(
    pages: Flask, half: Browser, phone: SetUp, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Browser(pages.test_client())
    give_password(other, EMAIL)
    with runtime.database.writing() as session:
        accounts.reset_password(session, EMAIL, "another horse battery")
    answer = half.press("/login/code", code=code(phone.secret))
    assert (answer.status_code, "Log in again" in text_of(answer)) == (401, True)
    late = Browser(pages.test_client())
    late.log_in(EMAIL, "another horse battery")
    late.look("/login/code")
    real = time.time
    monkeypatch.setattr("webapp.users.second_step_pages.time.time", lambda: real() + 301)
    assert late.press("/login/code", code=code(phone.secret)).status_code == 401
    assert late.look("/login/code").location == "/login"


def test_a_disabled_person_gets_no_further(half: Browser, phone: SetUp, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        accounts.disable(session, EMAIL)
    assert half.press("/login/code", code=code(phone.secret)).status_code == 401
    assert not is_in(half)


def test_without_the_password_there_is_no_second_step(pages: Flask, phone: SetUp) -> None:
    stranger = Browser(pages.test_client())
    assert stranger.look("/login/code").location == "/login"
    stranger.look("/login")
    assert stranger.press("/login/code", code=code(phone.secret)).status_code == 401
    for email in (EMAIL, "no.one@example.com"):
        answer = stranger.log_in(email, "not the password")
        assert (answer.status_code, "do not match" in text_of(answer)) == (401, True)


@pytest.mark.security("C14")
def test_a_password_link_asks_for_the_second_step_too(pages: Flask, phone: SetUp, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        user = session.scalars(select(User).where(User.email == EMAIL)).one()
        token = links.make(session, "test", user)
    browser = Browser(pages.test_client())
    browser.look(f"{links.PATH}?token={token}")
    new = {"password": "another horse battery", "password_again": "another horse battery"}
    answer = browser.press(links.PATH, token=token, **new)
    assert (answer.location, is_in(browser)) == ("/login/code", False)
    browser.look("/login/code")
    assert browser.press("/login/code", code=code(phone.secret)).status_code == 303
    assert is_in(browser)


def test_the_page_that_was_asked_for_is_shown_after_both_steps(pages: Flask, phone: SetUp) -> None:
    browser = Browser(pages.test_client())
    answer = give_password(browser, EMAIL, next="/runs?state=all&q=a")
    assert answer.location == "/login/code?next=/runs%3Fstate%3Dall%26q%3Da"
    page = browser.look(answer.location)
    assert 'name="next" value="/runs?state=all&amp;q=a"' in page.text
    answer = browser.press("/login/code", code=code(phone.secret), next="/runs?state=all&q=a")
    assert answer.location == "/runs?state=all&q=a"
    assert browser.look("/login").status_code == 302


def test_logging_in_over_an_open_page_takes_the_code_with_the_password(
    pages: Flask, phone: SetUp, owner: Browser
) -> None:
    browser = Browser(pages.test_client())
    browser.look("/login")
    both = {"email": EMAIL, "password": PASSWORD}
    asked = browser.press("/login/again", **both)
    assert (asked.status_code, (asked.json or {})["needs_code"]) == (401, True)
    assert not is_in(browser)
    wrong = browser.press("/login/again", **both, code="000000")
    assert "does not fit" in (wrong.json or {})["problem"]
    assert browser.press("/login/again", **both, code=code(phone.secret)).status_code == 200
    assert is_in(browser)


def test_a_secret_that_cannot_be_read_is_told_and_recovery_codes_go_on(
    half: Browser, phone: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp import sealed

    other = sealed.keys(("quite-another-key-" + "k" * 30,))
    monkeypatch.setattr("webapp.factors.authenticator.sealed.keys_of", lambda session: other)
    said = text_of(half.press("/login/code", code=code(phone.secret)))
    assert "The secret of this app cannot be read: it was encrypted with a secret key" in said
    assert half.press("/login/code", code=phone.codes[0]).status_code == 303
