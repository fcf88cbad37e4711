"""MAILRUN_PASSWORD_LOGIN=off: no password opens anything, and the command line still does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from tests.http_client import PASSWORD, text_of
from tests.sign_on.conftest import Stored, Visitor
from tests.sign_on.lying_provider import LyingProvider
from webapp.extensions import Runtime
from webapp.store.types import now
from webapp.store.users import UserLink
from webapp.users import accounts, links
from webapp.users.commands import users

OFF = {"MAILRUN_PASSWORD_LOGIN": "off"}


@pytest.fixture
def chosen() -> dict[str, str]:
    return OFF


@pytest.fixture
def marit(runtime: Runtime) -> str:
    """An administrator who has a password, from before."""
    with runtime.database.writing() as session:
        return accounts.create_user(session, "marit@example.com", PASSWORD, "admin").email


def link_of(pages: Flask, email: str) -> str:
    result = pages.test_cli_runner().invoke(users, ["login-link", email])
    assert result.exit_code == 0, result.output
    found = re.search(r"http://127.0.0.1:8000(/login/link\?token=\S+)", result.output)
    assert found
    return found[1]


@pytest.mark.security("C13")
def test_no_password_logs_in(visitor: Visitor, stored: Stored, marit: str) -> None:
    page = visitor.browser.look("/login")
    assert ("Password" in text_of(page), "Sign in with Keyhole" in text_of(page)) == (False, True)
    answer = visitor.browser.log_in(marit)
    assert (answer.status_code, "Passwords are not used here" in text_of(answer)) == (403, True)
    again = visitor.browser.press("/login/again", email=marit, password=PASSWORD)
    assert (again.status_code, again.json) == (
        403,
        {"problem": "Passwords are not used here. Log in the way this page offers."},
    )
    assert stored.sessions() == 0


@pytest.mark.security("C13")
def test_a_link_to_choose_a_password_opens_nothing(
    visitor: Visitor, stored: Stored, runtime: Runtime, marit: str
) -> None:
    with runtime.database.writing() as session:
        token = links.make(session, "ada", accounts.find(session, marit))
    page = visitor.browser.look(f"/login/link?token={token}")
    assert (page.status_code, "Passwords are not used here" in text_of(page)) == (404, True)
    visitor.browser.look("/login")
    typed = {"token": token, "password": "another good password", "password_again": "another good password"}
    assert visitor.browser.press("/login/link", **typed).status_code == 404
    assert stored.sessions() == 0


@pytest.mark.security("C13")
def test_the_way_back_opens_once_and_sets_no_password(
    pages: Flask, provider: LyingProvider, visitor: Visitor, stored: Stored, marit: str
) -> None:
    """Also while the provider is down."""
    provider.lie = "500 at /.well-known/openid-configuration"
    before = stored.users()[0].password_hash
    address = link_of(pages, marit)
    token = address.partition("token=")[2]
    assert "This link opens once" in text_of(visitor.browser.look(address))
    assert stored.sessions() == 0
    assert visitor.browser.press("/login/link", token=token).location == "/"
    assert visitor.browser.look("/users").status_code == 200
    assert stored.users()[0].password_hash == before
    assert visitor.browser.press("/login/link", token=token).status_code in (400, 404)
    assert stored.sessions() == 1
    assert [entry.detail for entry in stored.audit("login")] == [
        "by a link that was made on the command line"
    ]


@pytest.mark.security("C13")
def test_the_way_back_ends_after_three_days_and_is_not_for_disabled_users(
    pages: Flask, visitor: Visitor, stored: Stored, runtime: Runtime, marit: str
) -> None:
    address = link_of(pages, marit)
    token = address.partition("token=")[2]
    with runtime.database.writing() as session:
        session.execute(update(UserLink).values(ends_at=now() - timedelta(seconds=1)))
    visitor.browser.look("/login")
    assert visitor.browser.press("/login/link", token=token).status_code == 404
    with runtime.database.writing() as session:
        accounts.create_user(session, "ada@example.com", PASSWORD, "admin")
        accounts.disable(session, marit)
    assert pages.test_cli_runner().invoke(users, ["login-link", marit]).exit_code == 1
    assert stored.sessions() == 0


def test_the_way_back_works_for_a_person_who_signs_in_elsewhere(
    pages: Flask, visitor: Visitor, stored: Stored, provider: LyingProvider
) -> None:
    visitor.sign_on()
    visitor.browser.look("/account")
    visitor.browser.press("/logout")
    address = link_of(pages, "marit@example.com")
    visitor.browser.look(address)
    assert visitor.browser.press("/login/link", token=address.partition("token=")[2]).location == "/"
    assert stored.users()[0].password_hash == ""


def test_pages_make_no_links_and_ask_for_no_password(
    pages: Flask, visitor: Visitor, provider: LyingProvider, stored: Stored
) -> None:
    provider.claims["groups"] = ["admins"]
    visitor.sign_on()
    visitor.browser.look("/users/new")
    answer = visitor.browser.press("/users/new", email="eve@example.com", role="viewer", name="Eve")
    assert (answer.status_code, "Passwords are not used here" in text_of(answer)) == (422, True)
    assert len(stored.users()) == 1
    assert visitor.browser.press("/account/password", password_now=PASSWORD).status_code == 403
    page = text_of(visitor.browser.look("/users/1"))
    assert ("signs in elsewhere" in page, "Make a link" in page) == (True, False)


@pytest.mark.parametrize("chosen", [{}])
def test_a_person_who_signs_in_elsewhere_gets_no_password(
    pages: Flask, visitor: Visitor, provider: LyingProvider, stored: Stored
) -> None:
    provider.claims["groups"] = ["admins"]
    visitor.sign_on()
    visitor.browser.look("/users/1")
    answer = visitor.browser.press("/users/1/link")
    assert (answer.status_code, "signs in elsewhere and has no password" in text_of(answer)) == (422, True)
    assert visitor.browser.log_in("marit@example.com", "").status_code == 401


def test_an_operator_says_who_a_user_is_at_the_provider(
    pages: Flask, visitor: Visitor, stored: Stored, marit: str
) -> None:
    """The way for an account that there is: nothing but this decides that both are one person."""
    assert visitor.sign_on().status_code == 403
    told = pages.test_cli_runner().invoke(users, ["identify", marit, "0001"])
    assert told.output == "marit@example.com signs in with Keyhole from now on.\n"
    assert visitor.sign_on().status_code == 303
    assert [(user.email, user.password_hash, user.role) for user in stored.users()] == [(marit, "", "viewer")]
    again = pages.test_cli_runner().invoke(users, ["identify", marit, "0002"])
    assert (again.exit_code, "another subject" in again.output) == (1, True)
