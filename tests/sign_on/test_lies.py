"""Each way in which an OpenID provider, or one who stands between, can lie: refused, told in words, in the
audit trail; no session, no user."""

from __future__ import annotations

import time

import pytest

from tests.http_client import text_of
from tests.sign_on.conftest import Stored, Visitor
from tests.sign_on.lying_provider import LyingProvider
from webapp import limited_http

ABOUT = "/.well-known/openid-configuration"
NO_PROOF = "is not proof of who you are"
AWAY = "cannot be reached, or does not work now"
NOT_USABLE = "cannot be used"
LIES = {
    "wrong iss": NO_PROOF,
    "no iss": NO_PROOF,
    "aud of another": NO_PROOF,
    "aud of another, azp us": NO_PROOF,
    "auds of others, azp us": NO_PROOF,
    "aud us, azp another": NO_PROOF,
    "no aud": NO_PROOF,
    "wrong nonce": NO_PROOF,
    "no nonce": NO_PROOF,
    "expired": NO_PROOF,
    "never expires": NO_PROOF,
    "from the future": NO_PROOF,
    "no sub": NO_PROOF,
    "empty sub": NO_PROOF,
    "sub is a list": NO_PROOF,
    "sub with NUL": NO_PROOF,
    "alg none": NO_PROOF,
    "HS256 with the public key": NO_PROOF,
    "HS256 with the client secret": NO_PROOF,
    "unknown key": NO_PROOF,
    "unknown kid": NO_PROOF,
    "broken signature": NO_PROOF,
    "no ID token": NO_PROOF,
    "callback of another issuer": NO_PROOF,
    "callback without issuer": NO_PROOF,
    "metadata of another issuer": NO_PROOF,
    "token endpoint without TLS": NO_PROOF,
    "wrong state": "was not begun in this browser",
    "made-up code": NOT_USABLE,
    "error": "did not let you in",
    f"500 at {ABOUT}": AWAY,
    "500 at /token": AWAY,
    "500 at /jwks": AWAY,
    f"not JSON at {ABOUT}": NOT_USABLE,
    "not JSON at /token": NOT_USABLE,
    "not JSON at /jwks": NOT_USABLE,
    f"a list at {ABOUT}": NO_PROOF,
    "a list at /token": NOT_USABLE,
    "a list at /jwks": NOT_USABLE,
}


def is_refused(visitor: Visitor, stored: Stored, answer: object, words: str) -> None:
    """No session, no user; words on the page with the way to the password; one entry in the trail."""
    assert getattr(answer, "status_code", 0) == 403
    shown = text_of(answer)  # type: ignore[arg-type]
    assert words in shown
    assert "Log in with a password" in shown
    assert (stored.users(), stored.sessions()) == ([], 0)
    assert visitor.browser.look("/runs").status_code == 303
    refused = stored.audit("login refused")
    assert [entry.actor for entry in refused] == ["Keyhole"]
    assert "127.0.0.1" in refused[0].detail
    assert stored.audit("login") == []


@pytest.mark.security("C13")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(provider: LyingProvider, visitor: Visitor, stored: Stored, lie: str) -> None:
    provider.lie = lie
    is_refused(visitor, stored, visitor.sign_on(), LIES[lie])


def test_the_same_without_a_lie_is_let_in(visitor: Visitor, stored: Stored) -> None:
    """Else the table above would show nothing."""
    assert visitor.sign_on().status_code == 303
    assert (len(stored.users()), stored.sessions()) == (1, 1)


@pytest.mark.parametrize("path", [ABOUT, "/token", "/jwks"])
def test_a_slow_provider_is_given_up_on(
    provider: LyingProvider, visitor: Visitor, stored: Stored, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It sends a byte now and then, so that no single read takes long."""
    monkeypatch.setattr(limited_http, "ANSWER_SECONDS", 0.5)
    provider.lie = f"slow at {path}"
    began = time.monotonic()
    answer = visitor.sign_on()
    assert time.monotonic() - began < 3
    is_refused(visitor, stored, answer, AWAY)


def test_a_provider_that_is_down(provider: LyingProvider, visitor: Visitor, stored: Stored) -> None:
    provider.metadata = {"token_endpoint": "http://127.0.0.1:9/token"}
    is_refused(visitor, stored, visitor.sign_on(), AWAY)


@pytest.mark.security("C13")
def test_a_callback_that_is_replayed_opens_nothing(
    provider: LyingProvider, visitor: Visitor, stored: Stored
) -> None:
    """In the same browser; and with the cookie of before, when the code is used up at the provider."""
    address = visitor.at_provider(visitor.begin().location)
    cookie = visitor.browser.client.get_cookie("mailrun")
    assert cookie is not None
    assert visitor.come_back(address).status_code == 303
    visitor.browser.look("/account")
    visitor.browser.press("/logout")
    again = visitor.come_back(address)
    assert (again.status_code, "not begun in this browser" in text_of(again)) == (403, True)
    visitor.browser.client.set_cookie("mailrun", cookie.value)
    replayed = visitor.come_back(address)
    assert (replayed.status_code, NOT_USABLE in text_of(replayed)) == (403, True)
    assert stored.sessions() == 0


@pytest.mark.security("C13")
def test_a_callback_of_another_browser_opens_nothing(
    provider: LyingProvider, visitor: Visitor, new_visitor: object, stored: Stored
) -> None:
    """No one can be logged in as another person by a link."""
    address = visitor.at_provider(visitor.begin().location)
    victim = new_visitor()  # type: ignore[operator]
    is_refused(victim, stored, victim.come_back(address), "was not begun in this browser")


@pytest.mark.security("C13")
def test_what_it_tells_of_another_person_is_refused(
    provider: LyingProvider, visitor: Visitor, stored: Stored
) -> None:
    provider.claims = {"groups": None}
    provider.more = {"sub": "0002", "email": "eve@example.com", "groups": ["admins"]}
    is_refused(visitor, stored, visitor.sign_on(), NO_PROOF)


def test_thirty_failures_and_the_address_waits(
    provider: LyingProvider, visitor: Visitor, stored: Stored
) -> None:
    for _ in range(30):
        assert visitor.browser.look("/login/sign-on/back?state=x&code=y").status_code == 403
    answer = visitor.browser.look("/login/sign-on/back?state=x&code=y")
    assert (answer.status_code, "Too many tries" in text_of(answer)) == (429, True)
    assert len(stored.audit("login refused")) == 30
