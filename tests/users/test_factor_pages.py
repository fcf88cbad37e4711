"""One's own second factor: what changes it, and what that takes."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from tests.factors.codes import code
from tests.factors.soft_key import SoftKey
from tests.http_client import PASSWORD, Browser, LogIn, text_of
from tests.users.with_factors import CODE, FACTORS, begin_app, done, give_password, is_in, set_up_app
from webapp.extensions import Runtime
from webapp.users import accounts

pytestmark = pytest.mark.usefixtures("steady_codes")
EMAIL = "viewer@example.com"


@pytest.fixture
def own(log_in: LogIn) -> Browser:
    return log_in("viewer")


def add_passkey(own: Browser, key: SoftKey, name: str = "Phone") -> str:
    """Adds this passkey; returns the answer's text."""
    own.look(FACTORS)
    options = own.press(f"{FACTORS}/passkeys/options", name=name, password_now=PASSWORD)
    assert options.status_code == 200, options.text
    answer = own.press(f"{FACTORS}/passkeys", name=name, credential=key.made(options.text))
    assert answer.status_code in (200, 303), answer.text
    return answer.text


def use_passkey(own: Browser, key: SoftKey, **fields: str) -> int:
    """Logs in with this passkey; returns the status of the answer."""
    options = own.press("/login/passkey/options", **fields)
    return own.press("/login/passkey", credential=key.signed(options.text), **fields).status_code


@pytest.mark.security("C14")
def test_an_app_takes_a_code_and_the_password_and_ends_other_sessions(
    own: Browser, pages: Flask, runtime: Runtime
) -> None:
    phone = Browser(pages.test_client())
    phone.log_in(EMAIL)
    secret = begin_app(own)
    assert "<svg" in own.look(FACTORS).text
    url, first = f"{FACTORS}/app/confirm", code(secret)
    wrong = own.press(url, code=first, password_now="guessed")
    assert (wrong.status_code, "not your present password" in text_of(wrong)) == (422, True)
    wrong = own.press(url, code="000000", password_now=PASSWORD)
    assert (wrong.status_code, "not the code that the app shows" in text_of(wrong)) == (422, True)
    assert is_in(phone)
    assert not CODE.findall(own.look(FACTORS).text)
    answer = own.press(url, code=first, password_now=PASSWORD)
    assert (len(CODE.findall(answer.text)), answer.headers["Cache-Control"]) == (10, "no-store")
    assert (is_in(own), is_in(phone)) == (True, False)
    shown = own.look(FACTORS).text
    assert (secret in shown.replace(" ", ""), CODE.findall(shown)) == (False, [])
    said = [each[1:] for each in done(runtime, "second factor set up", "recovery codes made")]
    assert said[0] == ("second factor set up", EMAIL, "authenticator app")
    assert len(said) == 2
    assert len(done(runtime, "second factor not changed", "second factor refused")) == 2


def test_a_form_that_is_sent_twice_shows_the_codes_once(own: Browser) -> None:
    secret = begin_app(own)
    sent = {**own.keys, "code": code(secret), "password_now": PASSWORD}
    assert CODE.findall(own.press(f"{FACTORS}/app/confirm", **sent).text)
    own.look(FACTORS)
    again = own.press(f"{FACTORS}/app/confirm", **{**sent, "csrf_token": own.keys["csrf_token"]})
    assert (again.location, CODE.findall(again.text)) == (FACTORS, [])


def test_new_recovery_codes_void_those_before(own: Browser, pages: Flask, runtime: Runtime) -> None:
    own.look(FACTORS)
    assert own.press(f"{FACTORS}/codes", password_now=PASSWORD).status_code == 422  # there is no factor
    old = set_up_app(own).codes
    own.look(FACTORS)
    assert own.press(f"{FACTORS}/codes", password_now="guessed").status_code == 422
    new = CODE.findall(own.press(f"{FACTORS}/codes", password_now=PASSWORD).text)
    assert (len(new), set(new) & set(old)) == (10, set())
    other = Browser(pages.test_client())
    give_password(other, EMAIL)
    assert other.press("/login/code", code=old[0]).status_code == 401
    assert other.press("/login/code", code=new[0]).status_code == 303
    assert len(done(runtime, "recovery codes made")) == 2


def test_an_app_is_removed_with_its_codes(own: Browser, pages: Flask, runtime: Runtime) -> None:
    set_up_app(own)
    own.look(FACTORS)
    assert own.press(f"{FACTORS}/app/remove", password_now="guessed").status_code == 422
    assert own.press(f"{FACTORS}/app/remove", password_now=PASSWORD).location == FACTORS
    assert "None: the password alone logs you in." in text_of(own.look("/account"))
    other = Browser(pages.test_client())
    assert other.log_in(EMAIL).location == "/"
    own.look("/login")
    assert done(runtime, "second factor removed") == [
        (EMAIL, "second factor removed", EMAIL, "authenticator app")
    ]


def test_a_passkey_logs_in_without_a_password(own: Browser, pages: Flask, runtime: Runtime) -> None:
    key, phone = SoftKey(), Browser(pages.test_client())
    phone.log_in(EMAIL)
    assert len(CODE.findall(add_passkey(own, key, "My <phone>"))) == 10
    assert (is_in(own), is_in(phone)) == (True, False)
    assert "My &lt;phone&gt;" in own.look(FACTORS).text
    phone.look("/login")
    assert use_passkey(phone, key) == 303
    assert is_in(phone)
    assert done(runtime, "login")[-1][3] == "from 127.0.0.1, with the passkey “My <phone>” alone"
    assert done(runtime, "passkey added") == [(EMAIL, "passkey added", EMAIL, "My <phone>")]


def test_a_passkey_is_the_second_step_too(own: Browser, pages: Flask, runtime: Runtime) -> None:
    key, other = SoftKey(), Browser(pages.test_client())
    add_passkey(own, key)
    give_password(other, EMAIL)
    key.verifies = False  # touching it is enough after the password
    assert use_passkey(other, key, second="1") == 303
    assert is_in(other)
    assert done(runtime, "login")[-1][3] == "from 127.0.0.1, with the passkey “Phone” after the password"
    alone = Browser(pages.test_client())
    alone.look("/login")
    assert use_passkey(alone, key) == 401
    assert use_passkey(alone, key, second="1") == 401  # without the password that is no second step
    assert not is_in(alone)
    assert done(runtime, "login failed")[-1][:3] == (EMAIL, "login failed", EMAIL)


@pytest.mark.security("C13")
def test_an_answer_of_a_passkey_counts_once_and_for_what_it_was_asked_for(own: Browser, pages: Flask) -> None:
    key, other = SoftKey(), Browser(pages.test_client())
    add_passkey(own, key)
    other.look("/login")
    options = other.press("/login/passkey/options").text
    cookie = other.client.get_cookie("mailrun")
    answer = key.signed(options)
    assert other.press("/login/passkey", credential=answer).status_code == 303
    thief = Browser(pages.test_client())
    thief.look("/login")
    assert cookie is not None
    thief.client.set_cookie("mailrun", cookie.value)
    thief.keys = dict(other.keys)
    thief.look("/login")
    assert thief.press("/login/passkey", credential=answer).status_code == 401
    assert not is_in(thief)


def test_a_passkey_of_a_disabled_person_opens_nothing(own: Browser, pages: Flask, runtime: Runtime) -> None:
    key, other = SoftKey(), Browser(pages.test_client())
    add_passkey(own, key)
    with runtime.database.writing() as session:
        accounts.disable(session, EMAIL)
    other.look("/login")
    assert use_passkey(other, key) == 401


@pytest.mark.security("C13")
def test_tries_with_passkeys_are_limited(pages: Flask, own: Browser) -> None:
    other = Browser(pages.test_client())
    other.look("/login")
    assert [use_passkey(other, SoftKey()) for _ in range(6)] == [401] * 5 + [429]


def test_passkeys_are_added_with_the_password_and_within_five_minutes(own: Browser) -> None:
    key = SoftKey()
    own.look(FACTORS)
    refused = own.press(f"{FACTORS}/passkeys/options", password_now="guessed")
    assert (refused.status_code, "present password" in json.loads(refused.text)["problem"]) == (422, True)
    options = own.press("/login/passkey/options").text  # a challenge of another purpose
    made = key.made(json.dumps({**json.loads(options), "user": {"id": "AAAA"}}))
    own.look(FACTORS)
    answer = own.press(f"{FACTORS}/passkeys", credential=made, name="x")
    assert (answer.status_code, "five minutes" in text_of(answer)) == (422, True)


def test_a_passkey_is_removed_by_its_owner_alone(
    own: Browser, log_in: LogIn, pages: Flask, runtime: Runtime
) -> None:
    key, other = SoftKey(), log_in("manager")
    add_passkey(own, key)
    other.look(FACTORS)
    assert other.press(f"{FACTORS}/passkeys/remove", passkey="1", password_now=PASSWORD).status_code == 422
    own.look(FACTORS)
    assert own.press(f"{FACTORS}/passkeys/remove", passkey="1", password_now="x").status_code == 422
    assert own.press(f"{FACTORS}/passkeys/remove", passkey="1", password_now=PASSWORD).status_code == 303
    gone = Browser(pages.test_client())
    gone.look("/login")
    assert use_passkey(gone, key) == 401
    assert gone.log_in(EMAIL).location == "/"
    assert done(runtime, "passkey removed") == [(EMAIL, "passkey removed", EMAIL, "Phone")]


def test_at_an_address_of_numbers_the_page_says_why_there_are_no_passkeys(own: Browser) -> None:
    cookie = own.client.get_cookie("mailrun")
    assert cookie is not None
    own.client.set_cookie("mailrun", cookie.value, domain="127.0.0.1")
    page = own.client.get(FACTORS, base_url="http://127.0.0.1:8000").get_data(as_text=True)
    assert "Passkeys need the pages to have a name" in page
    assert "data-passkey" not in page
