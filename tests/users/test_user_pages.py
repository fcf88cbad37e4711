"""Users in the browser: invited by a one-time link, changed, disabled; for administrators who see all."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.http_client import PASSWORD, Browser, LogIn, text_of
from webapp.extensions import Runtime
from webapp.store.types import now
from webapp.store.users import AuditEntry, User, UserLink
from webapp.users.accounts import create_user

NEW = {"email": "tom@example.com", "name": "Tom Visser", "role": "manager", "may_send": "y"}
CHOSEN = {"password": "another horse battery", "password_again": "another horse battery"}


def user(runtime: Runtime, email: str) -> User:
    with runtime.database.reading() as session:
        return session.scalars(select(User).where(User.email == email)).one()


def invited(admin: Browser, **changed: object) -> str:
    """Invites Tom; returns the address of his link, on this host."""
    admin.look("/users/new")
    answer = admin.press("/users/new", **{**NEW, **changed})
    assert answer.status_code == 200, text_of(answer)
    return link_in(answer)


def link_in(answer: TestResponse) -> str:
    """The link that this page shows."""
    found = re.search(r'value="http://localhost(/login/link\?token=[\w-]+)"', answer.text)
    assert found
    return found[1]


def choose(pages: Flask, link: str, **fields: str) -> tuple[Browser, int]:
    """Opens the link in a browser of its own, and sends the form."""
    browser = Browser(pages.test_client())
    browser.look("/login")  # a link that opens nothing shows no form
    browser.look(link)
    token = link.partition("token=")[2]
    return browser, browser.press("/login/link", token=token, **{**CHOSEN, **fields}).status_code


def test_a_person_is_invited_chooses_a_password_and_is_in(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    admin = log_in("admin")
    link = invited(admin, clusters=["left"])
    assert "Invited" in text_of(admin.look("/users?state=invited"))
    assert Browser(pages.test_client()).log_in(NEW["email"], "").status_code == 401
    browser, status = choose(pages, link)
    assert (status, browser.look("/runs").status_code) == (303, 200)
    assert Browser(pages.test_client()).log_in(NEW["email"], CHOSEN["password"]).status_code == 303
    listed = text_of(admin.look("/users?q=visser"))
    assert "Tom Visser tom @example.com Manager left yes" in listed
    assert "Active" in listed
    with runtime.database.reading() as session:
        token = link.partition("token=")[2]
        told = "\n".join(f"{e.action} {e.subject} {e.detail}" for e in session.scalars(select(AuditEntry)))
        assert {"user invited", "invitation made", "invitation accepted"} <= {
            entry for entry in session.scalars(select(AuditEntry.action))
        }
        assert token not in told
        assert session.scalars(select(UserLink)).all() == []


def test_a_link_opens_once_and_only_the_newest(pages: Flask, log_in: LogIn, runtime: Runtime) -> None:
    admin = log_in("admin")
    first = invited(admin)
    id = user(runtime, NEW["email"]).id
    admin.look(f"/users/{id}")
    answer = admin.press(f"/users/{id}/link")
    second = link_in(answer)
    assert choose(pages, first)[1] == 404
    assert choose(pages, second)[1] == 303
    assert choose(pages, second)[1] == 404


def test_a_link_ends_after_72_hours_and_with_the_account(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    admin = log_in("admin")
    link = invited(admin)
    with runtime.database.writing() as session:
        ends_at = session.scalars(select(UserLink.ends_at)).one()
        assert timedelta(hours=71) < ends_at - now() <= timedelta(hours=72)
        session.execute(update(UserLink).values(ends_at=now()))
    assert choose(pages, link)[1] == 404
    link = invited(admin, email="other@example.com")
    id = user(runtime, "other@example.com").id
    admin.look(f"/users/{id}")
    assert admin.press(f"/users/{id}/disable").status_code == 303
    assert choose(pages, link)[1] == 404


def test_guessing_links_is_limited_and_all_wrong_ones_are_told_alike(pages: Flask) -> None:
    browser = Browser(pages.test_client())
    told = set()
    browser.look("/login")
    for token in ("a" * 43, "", "b" * 43, "c", "d", "e"):
        browser.look(f"/login/link?token={token}")
        answer = browser.press("/login/link", token=token, **CHOSEN)
        told.add((answer.status_code, text_of(answer)))
    assert [status for status, _ in sorted(told)] == [404, 429]
    assert all("This link opens nothing" in text for _, text in told)


def test_a_bad_password_leaves_the_link_as_it_was(pages: Flask, log_in: LogIn) -> None:
    link = invited(log_in("admin"))
    assert choose(pages, link, password="short", password_again="short")[1] == 422
    assert choose(pages, link, password_again="not the same")[1] == 422
    assert choose(pages, link)[1] == 303


@pytest.mark.security("C14")
def test_a_reset_link_ends_the_sessions_when_it_is_used(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    admin, manager = log_in("admin"), log_in("manager")
    id = user(runtime, "manager@example.com").id
    admin.look(f"/users/{id}")
    answer = admin.press(f"/users/{id}/link")
    assert manager.look("/runs").status_code == 200
    link = link_in(answer)
    assert choose(pages, link)[1] == 303
    assert manager.look("/runs").status_code == 303
    assert Browser(pages.test_client()).log_in("manager@example.com", PASSWORD).status_code == 401


def test_sending_the_form_twice_makes_one_link_and_shows_it_once(log_in: LogIn, runtime: Runtime) -> None:
    admin = log_in("admin")
    admin.look("/users/new")
    sent = dict(admin.keys)
    assert "token=" in admin.press("/users/new", **NEW).text
    admin.keys = sent
    again = admin.press("/users/new", **NEW)
    assert (again.status_code, again.location) == (303, f"/users/{user(runtime, NEW['email']).id}")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"email": "admin@example.com"}, "There is an account for admin@example.com already"),
        ({"email": "tom@"}, "not an email address"),
        ({"role": "root"}, "is no role"),
        ({"clusters": ["Nowhere"]}, "no customer cluster"),
    ],
)
def test_what_cannot_be_invited_is_told_and_stays_typed(
    log_in: LogIn, changed: dict[str, object], words: str
) -> None:
    admin = log_in("admin")
    admin.look("/users/new")
    answer = admin.press("/users/new", **{**NEW, **changed})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'value="Tom Visser"' in answer.text


def test_a_change_holds_at_once_in_open_sessions(log_in: LogIn, runtime: Runtime) -> None:
    admin, manager = log_in("admin"), log_in("manager")
    id = user(runtime, "manager@example.com").id
    page = admin.look(f"/users/{id}")
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    facts = {"name": "Jonas", "role": "viewer", "clusters": ["left"], "seen": seen}
    assert admin.press(f"/users/{id}", **facts).status_code == 303
    assert manager.look("/runs").status_code == 200
    assert manager.look("/runs/new").status_code == 403
    assert user(runtime, "manager@example.com").may_send is False
    stale = admin.press(f"/users/{id}", **{**facts, "role": "admin"}, form_key="k" * 24)
    assert (stale.status_code, "while you had it open" in text_of(stale)) == (422, True)
    with runtime.database.reading() as session:
        detail = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "change")).one()
    assert "role: manager → viewer" in detail
    assert "sees: all clusters → left" in detail


@pytest.mark.security("C14")
def test_disabling_ends_the_sessions_and_enabling_lets_in_again(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    admin, manager = log_in("admin"), log_in("manager")
    id = user(runtime, "manager@example.com").id
    admin.look(f"/users/{id}")
    admin.press(f"/users/{id}/disable")
    assert manager.look("/runs").status_code == 303
    assert "Disabled" in text_of(admin.look("/users?state=disabled"))
    admin.look(f"/users/{id}")
    admin.press(f"/users/{id}/enable")
    assert Browser(pages.test_client()).log_in("manager@example.com").status_code == 303


def test_an_administrator_ends_the_sessions_of_another(log_in: LogIn, runtime: Runtime) -> None:
    admin, manager = log_in("admin"), log_in("manager")
    id = user(runtime, "manager@example.com").id
    admin.look(f"/users/{id}")
    assert admin.press(f"/users/{id}/sessions/end").status_code == 303
    assert manager.look("/runs").status_code == 303


def test_the_last_administrator_stays_one(log_in: LogIn, runtime: Runtime) -> None:
    admin = log_in("admin")
    id = user(runtime, "admin@example.com").id
    seen = re.findall(r'name="seen" value="(\w+)"', admin.look(f"/users/{id}").text)[0]
    refused = admin.press(f"/users/{id}", name="Ann", role="manager", seen=seen)
    assert (refused.status_code, "last administrator" in text_of(refused)) == (422, True)
    bound = admin.press(f"/users/{id}", name="Ann", role="admin", clusters=["left"], seen=seen)
    assert bound.status_code == 422
    admin.press(f"/users/{id}/disable")
    assert "last administrator" in text_of(admin.look(f"/users/{id}"))
    assert user(runtime, "admin@example.com").disabled_at is None


def test_an_administrator_bound_to_clusters_manages_no_users(log_in: LogIn, runtime: Runtime) -> None:
    log_in("admin")
    bound = log_in("admin", "left")
    assert bound.look("/settings").status_code == 200
    answer = bound.look("/users")
    assert (answer.status_code, "see all clusters" in text_of(answer)) == (403, True)
    with runtime.database.writing() as session:
        create_user(session, "x@example.com", PASSWORD, "viewer")
    bound.look("/account")
    assert bound.press(f"/users/{user(runtime, 'x@example.com').id}/disable").status_code == 403
