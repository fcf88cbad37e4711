"""The first start: without users every page leads to the one that makes the first administrator."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.http_client import PASSWORD, Browser, text_of
from webapp import create_app
from webapp.config import Settings
from webapp.extensions import Runtime
from webapp.store.database import Database
from webapp.store.users import AuditEntry, User
from webapp.users import first_start
from webapp.users.accounts import create_user
from webapp.users.commands import users

TYPED = {
    "email": "ann@example.com", "name": "Ann", "password": PASSWORD, "password_again": PASSWORD,
}  # fmt: skip


@pytest.fixture
def empty(pages: Flask) -> Flask:
    """The pages of an installation that was just started."""
    pages.extensions.pop("any user")
    return pages


def code(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return first_start.code(session)


def count(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


@pytest.mark.security("C13")
def test_every_page_leads_to_the_first_start(empty: Flask) -> None:
    browser = Browser(empty.test_client())
    for page in ("/", "/runs", "/login", "/settings", "/nowhere"):
        answer = browser.look(page)
        assert (answer.status_code, answer.location) in ((303, "/setup"), (404, None)), page
    assert browser.look("/healthz").status_code == 200
    assert "There is no user yet" in text_of(browser.look("/setup"))


def test_the_code_makes_the_first_administrator_and_closes_the_page(empty: Flask, runtime: Runtime) -> None:
    browser = Browser(empty.test_client())
    browser.look("/setup")
    made = browser.press("/setup", code=code(runtime).lower().replace("-", " "), **TYPED)
    assert (made.status_code, made.location) == (303, "/")
    assert browser.look("/users").status_code == 200
    other = Browser(empty.test_client())
    assert other.look("/setup").location == "/login"
    other.look("/login")
    again = other.press("/setup", code=code(runtime), **{**TYPED, "email": "eve@example.com"})
    assert again.location == "/login"
    assert count(runtime) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code": "AAAA-AAAA-AAAA"}, "This is not the code"),
        ({"code": ""}, "This is not the code"),
        ({"code": "ÄÄ"}, "This is not the code"),
        ({"email": "ann@"}, "not an email address"),
        ({"password": "short", "password_again": "short"}, "10 to 1000 characters"),
        ({"password_again": "another"}, "differ"),
    ],
)
def test_what_is_wrong_is_told_and_makes_no_one(
    empty: Flask, runtime: Runtime, changed: dict[str, str], words: str
) -> None:
    browser = Browser(empty.test_client())
    browser.look("/setup")
    answer = browser.press("/setup", **{"code": code(runtime), **TYPED, **changed})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert count(runtime) == 0


@pytest.mark.security("C13")
def test_guesses_are_limited_and_noted(empty: Flask, runtime: Runtime) -> None:
    browser = Browser(empty.test_client())
    browser.look("/setup")
    for _ in range(5):
        browser.press("/setup", code="AAAA-AAAA-AAAA", **TYPED)
    answer = browser.press("/setup", code=code(runtime), **TYPED)
    assert (answer.status_code, count(runtime)) == (429, 0)
    with runtime.database.reading() as session:
        details = session.scalars(select(AuditEntry.detail)).all()
    assert details == ["wrong code, from 127.0.0.1"] * 5


@pytest.mark.security("C15")
def test_each_installation_has_a_code_of_its_own(database: Database) -> None:
    with database.reading() as session:
        first, again = first_start.code(session), first_start.code(session)
        session.info["secret_key"] += "x"
        other = first_start.code(session)
        session.info["secret_key"] = session.info["secret_key"][:-1]
    assert first == again != other


def test_the_command_prints_the_code_until_there_is_a_user(settings: Settings, runtime: Runtime) -> None:
    def run() -> tuple[int, str]:
        result = create_app(settings).test_cli_runner().invoke(users, ["setup-code"])
        return result.exit_code, result.output.strip()

    assert run() == (0, code(runtime))
    with runtime.database.writing() as session:
        create_user(session, "ann@example.com", PASSWORD, "admin")
    assert run()[0] == 1
