"""Signing on at a provider that tells the truth: what a person is let in as, and how they leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.http_client import PASSWORD, text_of
from tests.sign_on.conftest import Stored, Visitor
from tests.sign_on.lying_provider import CLIENT_ID, LyingProvider, new_key
from webapp.extensions import Runtime
from webapp.store.logins import UserIdentity
from webapp.store.users import User
from webapp.users import accounts

NewVisitor = Callable[[], Visitor]


def identities(runtime: Runtime) -> list[UserIdentity]:
    with runtime.database.reading() as session:
        return session.query(UserIdentity).all()


def make(runtime: Runtime, email: str = "marit@example.com", role: str = "manager") -> User:
    with runtime.database.writing() as session:
        return accounts.create_user(session, email, PASSWORD, role)


def test_the_login_page_offers_it_and_leads_on_to_the_page_that_was_asked_for(visitor: Visitor) -> None:
    page = visitor.browser.look("/login?next=/runs")
    assert "Sign in with Keyhole" in text_of(page)
    assert 'href="/login/sign-on?next=/runs"' in page.text
    assert visitor.sign_on("/runs").location == "/runs"
    assert visitor.sign_on("https://elsewhere.example/").location == "/"


def test_the_first_sign_in_makes_a_user_without_a_password(
    provider: LyingProvider, visitor: Visitor, stored: Stored, runtime: Runtime
) -> None:
    assert visitor.sign_on().status_code == 303
    user = stored.users()[0]
    assert (user.email, user.name, user.password_hash) == ("marit@example.com", "Marit", "")
    assert (user.role, user.may_send) == ("viewer", False)
    known = identities(runtime)[0]
    assert (known.issuer, known.subject, known.user_id) == (provider.issuer, "0001", user.id)
    assert [entry.subject for entry in stored.audit("login")] == ["marit@example.com"]
    assert [entry.actor for entry in stored.audit("user created")] == ["sign-on by Keyhole"]
    page = text_of(visitor.browser.look("/account"))
    assert "You sign in with Keyhole" in page
    assert "Present password" not in page


def test_each_sign_in_refreshes_role_rights_and_clusters(
    provider: LyingProvider, visitor: Visitor, stored: Stored, runtime: Runtime
) -> None:
    visitor.sign_on()
    provider.claims |= {"groups": ["north"], "email": "other@example.com"}
    visitor.sign_on()
    user = stored.users()[0]
    assert (len(stored.users()), user.email, user.role, user.may_send) == (
        1,
        "marit@example.com",
        "manager",
        True,
    )
    with runtime.database.reading() as session:
        assert accounts.bound_tags(session, user) == ["left"]
    changes = [(entry.actor, entry.detail) for entry in stored.audit("change")]
    assert changes == [
        ("sign-on by Keyhole", "role: viewer → manager; sees: all clusters → left; may send: False → True")
    ]
    visitor.sign_on()
    assert len(stored.audit("change")) == 1


@pytest.mark.security("C1")
def test_what_an_administrator_gave_here_is_gone_at_the_next_sign_in(
    visitor: Visitor, stored: Stored, runtime: Runtime
) -> None:
    visitor.sign_on()
    with runtime.database.writing() as session:
        accounts.change(session, "marit@example.com", "admin")
    assert visitor.browser.look("/users").status_code == 200
    visitor.sign_on()
    assert visitor.browser.look("/users").status_code == 403
    assert stored.users()[0].role == "viewer"


@pytest.mark.security("C1")
@pytest.mark.parametrize("groups", [None, [], ["strangers"], "strangers", {"all": True}, [["all"]], 7])
def test_without_a_role_there_is_no_way_in_and_none_any_more(
    provider: LyingProvider, visitor: Visitor, new_visitor: NewVisitor, stored: Stored, groups: object
) -> None:
    provider.claims["groups"] = groups
    stranger = new_visitor()
    answer = stranger.sign_on()
    assert 'href="/login/sign-on?again=1"' in answer.text
    assert "prompt=login" in stranger.browser.look("/login/sign-on?again=1").location
    assert (answer.status_code, "has no role in Mailrun. Ask" in text_of(answer)) == (403, True)
    assert (stored.users(), len(stored.audit("login refused"))) == ([], 1)
    provider.claims["groups"] = ["all"]
    assert visitor.sign_on().status_code == 303
    provider.claims["groups"] = groups
    assert new_visitor().sign_on().status_code == 403
    assert visitor.browser.look("/runs").status_code == 303  # the session of before has ended
    assert stored.sessions() == 0


@pytest.mark.security("C1")
def test_a_cluster_that_does_not_exist_is_not_all_of_them(
    provider: LyingProvider, visitor: Visitor, stored: Stored
) -> None:
    provider.claims["groups"] = ["lost"]
    answer = visitor.sign_on()
    assert (answer.status_code, "a cluster that does not exist" in text_of(answer)) == (403, True)
    assert stored.users() == []


@pytest.mark.security("C13")
@pytest.mark.parametrize("verified", [True, False, None, "true"])
def test_an_account_that_there_is_is_not_taken_over(
    provider: LyingProvider, visitor: Visitor, stored: Stored, runtime: Runtime, verified: object
) -> None:
    make(runtime, role="admin")
    provider.claims["email_verified"] = verified
    answer = visitor.sign_on()
    assert answer.status_code == 403
    assert (stored.sessions(), identities(runtime)) == (0, [])
    assert visitor.browser.log_in("marit@example.com").status_code == 303
    if verified is True:
        assert "There is an account for marit@example.com in Mailrun already" in text_of(answer)
        assert "subject 0001" in stored.audit("login refused")[0].detail


@pytest.mark.security("C13")
@pytest.mark.parametrize("chosen", [{"MAILRUN_SIGN_ON_LINK": "on"}])
@pytest.mark.parametrize("verified", [True, False, None, "true"])
def test_with_the_setting_only_a_verified_address_is_linked(
    provider: LyingProvider, visitor: Visitor, stored: Stored, runtime: Runtime, verified: object
) -> None:
    """The password of before opens nothing then: who set it may be a stranger."""
    make(runtime)
    provider.claims["email_verified"] = verified
    is_let_in = visitor.sign_on().status_code == 303
    assert is_let_in == (verified is True)
    assert len(stored.users()) == 1
    assert (stored.users()[0].password_hash == "") == is_let_in
    assert len(stored.audit("identity linked")) == is_let_in


@pytest.mark.security("C13")
@pytest.mark.parametrize("chosen", [{"MAILRUN_SIGN_ON_LINK": "on"}])
def test_an_account_of_one_subject_is_not_taken_by_another(
    provider: LyingProvider, visitor: Visitor, new_visitor: NewVisitor, stored: Stored
) -> None:
    assert visitor.sign_on().status_code == 303
    provider.claims["sub"] = "0002"
    assert new_visitor().sign_on().status_code == 403
    assert visitor.browser.look("/runs").status_code == 200
    assert (len(stored.users()), stored.sessions()) == (1, 1)


@pytest.mark.parametrize("claims", [{"email": None}, {"email": "no address"}, {"email_verified": False}])
def test_an_account_needs_an_address_that_is_not_known_to_be_unverified(
    provider: LyingProvider, visitor: Visitor, stored: Stored, claims: dict[str, object]
) -> None:
    """Else a person could give themselves the name that another has in the audit trail."""
    provider.claims |= claims
    answer = visitor.sign_on()
    assert (answer.status_code, "does not say which address is yours" in text_of(answer)) == (403, True)
    assert stored.users() == []


@pytest.mark.security("C13")
def test_a_disabled_user_stays_out(visitor: Visitor, stored: Stored, runtime: Runtime) -> None:
    visitor.sign_on()
    with runtime.database.writing() as session:
        accounts.disable(session, "marit@example.com")
    answer = visitor.sign_on()
    assert (answer.status_code, "is disabled" in text_of(answer)) == (403, True)
    assert stored.sessions() == 0


def test_what_it_tells_only_when_asked_counts_too(
    provider: LyingProvider, visitor: Visitor, stored: Stored
) -> None:
    provider.claims = {}
    provider.more = {"sub": "0001", "email": "ada@example.com", "groups": ["admins"]}
    assert visitor.sign_on().status_code == 303
    assert [(user.email, user.role) for user in stored.users()] == [("ada@example.com", "admin")]


@pytest.mark.parametrize(("kid", "at_once"), [("two", True), (None, False)])
def test_a_new_key_of_the_provider(
    provider: LyingProvider, visitor: Visitor, kid: str | None, at_once: bool
) -> None:
    """By another id it is asked for at once; without one the first sign-in fails, and not all until a
    restart."""
    provider.key = new_key("one" if kid else None)
    assert visitor.sign_on().status_code == 303
    provider.key = new_key(kid)
    assert (visitor.sign_on().status_code == 303) == at_once
    assert visitor.sign_on().status_code == 303


def test_sign_ins_that_were_begun_do_not_fill_the_cookie(visitor: Visitor) -> None:
    for _ in range(12):
        begun = visitor.begin("/runs?q=" + "x" * 100)
    with visitor.browser.client.session_transaction() as cookie:
        assert len([key for key in cookie if key.startswith("_state_")]) == 3
    assert visitor.come_back(visitor.at_provider(begun.location)).status_code == 303


def test_logout_goes_on_to_the_provider(provider: LyingProvider, visitor: Visitor, stored: Stored) -> None:
    visitor.sign_on()
    visitor.browser.look("/account")
    answer = visitor.browser.press("/logout")
    assert (answer.status_code, stored.sessions()) == (200, 0)
    leads = answer.headers["Refresh"].removeprefix("0; url=")
    back = visitor.at_provider(leads)
    assert back.startswith("http://localhost/login?state=")
    told = provider.left[0]
    assert (told["client_id"], told["post_logout_redirect_uri"]) == (CLIENT_ID, "http://localhost/login")
    assert told["id_token_hint"].count(".") == 2
    assert visitor.browser.look("/runs").status_code == 303
    assert len(stored.audit("logout")) == 1


def test_logout_from_a_provider_that_is_down_ends_the_session_here(
    provider: LyingProvider, visitor: Visitor, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_on()
    visitor.browser.look("/account")
    provider.lie = "500 at /.well-known/openid-configuration"
    monkeypatch.setattr("webapp.sign_on.provider.KNOWN_SECONDS", 0)
    answer = visitor.browser.press("/logout")
    assert "You may still be logged in there" in text_of(answer)
    assert (answer.headers.get("Refresh"), stored.sessions()) == (None, 0)


def test_a_session_that_began_by_a_password_ends_here_alone(visitor: Visitor, runtime: Runtime) -> None:
    make(runtime)
    visitor.browser.log_in("marit@example.com")
    visitor.browser.look("/account")
    assert visitor.browser.press("/logout").location == "/login"
