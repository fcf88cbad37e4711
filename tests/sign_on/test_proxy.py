"""A proxy that names the person in a header: believed from its own address, and from no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.http_client import PASSWORD, Browser, text_of
from tests.sign_on.conftest import Stored
from webapp.extensions import Runtime
from webapp.users import accounts

PROXY, STRANGER = "10.1.2.3", "192.0.2.9"
ALL = {"MAILRUN_PROXY_USER_HEADER": "X-Remote-User", "MAILRUN_PROXY_USER_FROM": "10.0.0.0/8, 2001:db8::1"}
BEHIND_ONE = {**ALL, "MAILRUN_PROXIES": "1"}

Ask = Callable[..., TestResponse]


@pytest.fixture
def chosen() -> dict[str, str]:
    return ALL


@pytest.fixture
def browser(pages: Flask, runtime: Runtime) -> Browser:
    with runtime.database.writing() as session:
        for email, role in (("ada@example.com", "admin"), ("vera@example.com", "viewer")):
            accounts.create_user(session, email, PASSWORD, role)
    return Browser(pages.test_client())


@pytest.fixture
def ask(browser: Browser) -> Ask:
    """ask("/users", "ada@example.com", peer): what the page answers."""

    def to(
        path: str, named: str | None = None, peer: str = PROXY, method: str = "GET", **more: Any
    ) -> TestResponse:
        headers = {**({} if named is None else {"X-Remote-User": named}), **more.pop("headers", {})}
        return browser.client.open(
            path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": peer}, **more
        )

    return to


def test_the_person_whom_the_proxy_names_is_logged_in(ask: Ask, stored: Stored) -> None:
    assert ask("/users", "Ada@example.com").status_code == 200
    assert ask("/runs", "ada@example.com").status_code == 200
    assert [(entry.subject, entry.detail) for entry in stored.audit("login")] == [
        ("ada@example.com", "named by the proxy 10.1.2.3")
    ]
    assert stored.sessions() == 1


def test_from_an_ipv6_address_and_from_a_mapped_one(ask: Ask) -> None:
    for peer in ("2001:db8::1", "::ffff:10.1.2.3"):
        assert ask("/users", "ada@example.com", peer).status_code == 200


@pytest.mark.security("C13")
@pytest.mark.parametrize("peer", [STRANGER, "2001:db8::2", "11.0.0.1", "", "unix:", "10.0.0.1, 10.0.0.2"])
def test_from_any_other_address_it_is_ignored_and_noted_once(ask: Ask, stored: Stored, peer: str) -> None:
    for _ in range(3):
        assert ask("/users", "ada@example.com", peer).status_code == 303
    assert stored.sessions() == 0
    assert [entry.subject.partition(":")[0] for entry in stored.audit("refused")] == ["X-Remote-User"]


@pytest.mark.security("C13")
@pytest.mark.parametrize("chosen", [ALL, BEHIND_ONE])
def test_x_forwarded_for_makes_no_one_a_proxy(ask: Ask, stored: Stored, chosen: dict[str, str]) -> None:
    """Also where ProxyFix believes it: the peer counts."""
    answer = ask("/users", "ada@example.com", STRANGER, headers={"X-Forwarded-For": PROXY})
    assert (answer.status_code, stored.sessions()) == (303, 0)


@pytest.mark.parametrize("chosen", [BEHIND_ONE])
def test_behind_proxy_fix_the_peer_is_still_the_proxy(ask: Ask, stored: Stored) -> None:
    assert ask("/users", "ada@example.com", PROXY, headers={"X-Forwarded-For": STRANGER}).status_code == 200
    assert STRANGER in stored.audit("login")[0].origin


@pytest.mark.security("C13")
def test_a_header_that_two_have_written_names_no_one(ask: Ask, stored: Stored) -> None:
    """A proxy that adds its header to that of the visitor: the two come as one."""
    for named in ("ada@example.com,vera@example.com", "ada@example.com, vera@example.com"):
        assert ask("/users", named).status_code == 403
    assert stored.sessions() == 0


def test_a_person_without_an_account_is_told_and_noted_once(
    ask: Ask, stored: Stored, runtime: Runtime
) -> None:
    with runtime.database.writing() as session:
        accounts.disable(session, "vera@example.com")
    for named in ("eve@example.com", "vera@example.com"):
        for _ in range(2):
            answer = ask("/runs", named)
            assert (answer.status_code, f"names you {named}" in text_of(answer)) == (403, True)
    assert len(stored.audit("refused")) == 2
    assert stored.sessions() == 0


@pytest.mark.security("C13")
def test_the_session_ends_when_the_proxy_names_another_person_or_no_one(ask: Ask, stored: Stored) -> None:
    assert ask("/users", "ada@example.com").status_code == 200
    assert ask("/users", "vera@example.com").status_code == 403
    assert ask("/runs", "vera@example.com").status_code == 200
    assert ask("/runs").status_code == 303
    assert stored.sessions() == 0
    assert len(stored.audit("logout")) == 2


@pytest.mark.security("C13")
def test_a_form_from_elsewhere_is_still_refused(ask: Ask, stored: Stored) -> None:
    """The header comes with every request of the browser, as a cookie does: the token is needed."""
    assert ask("/users", "ada@example.com").status_code == 200
    answer = ask(
        "/users/new", "ada@example.com", method="POST", data={"email": "eve@example.com", "role": "admin"}
    )
    assert answer.status_code == 400
    assert len(stored.users()) == 2


def test_a_login_by_password_goes_on_where_the_proxy_names_no_one(ask: Ask, browser: Browser) -> None:
    browser.log_in("ada@example.com")
    assert ask("/users").status_code == 200
    assert ask("/users", peer=STRANGER).status_code == 200


def test_health_is_asked_without_anyone(ask: Ask, stored: Stored) -> None:
    assert ask("/healthz", "ada@example.com", STRANGER).status_code == 200
    assert (stored.audit("refused"), stored.sessions()) == ([], 0)
