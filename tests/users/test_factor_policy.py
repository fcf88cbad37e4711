"""Who must have a second factor, and what an administrator does for a lost phone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from tests.factors.codes import code
from tests.http_client import PASSWORD, Browser, LogIn, text_of
from tests.users.with_factors import CODE, FACTORS, begin_app, done, give_password, is_in, set_up_app
from tests.web.routes import CHANGING, FOR_SENDERS, LOOKING, LOOKING_ADMINS, address
from webapp import config
from webapp.access import Viewer
from webapp.cli import main
from webapp.errors import SettingError
from webapp.extensions import Runtime, runtime_of
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.users.commands import users as commands

pytestmark = pytest.mark.usefixtures("steady_codes")


def require(pages: Flask, of: str) -> None:
    """Sets MAILRUN_SECOND_FACTOR for this application."""
    parts = runtime_of(pages)
    pages.extensions["mailrun"] = replace(
        parts, settings=replace(parts.settings, logins=replace(parts.settings.logins, second_factor=of))
    )


def user_id(runtime: Runtime, email: str) -> int:
    with runtime.database.reading() as session:
        return session.scalars(select(User.id).where(User.email == email)).one()


@pytest.mark.parametrize(
    ("policy", "admin", "manager"),
    [("none", False, False), ("administrators", True, False), ("all", True, True)],
)
def test_the_policy_says_who_must(policy: str, admin: bool, manager: bool) -> None:
    people = (Viewer("a", Role.ADMIN, lacks_factor=True), Viewer("m", Role.MANAGER, lacks_factor=True))
    assert [each.must_set_up_factor(policy) for each in people] == [admin, manager]
    assert not any(replace(each, lacks_factor=False).must_set_up_factor(policy) for each in people)


def test_a_policy_that_there_is_not_is_refused(environ: dict[str, str]) -> None:
    assert config.load(environ).logins.second_factor == "none"
    assert config.load({**environ, "MAILRUN_SECOND_FACTOR": "all"}).logins.second_factor == "all"
    with pytest.raises(SettingError, match="it must be one of none, administrators, all"):
        config.load({**environ, "MAILRUN_SECOND_FACTOR": "admins"})


@pytest.mark.security("C1")
def test_a_person_who_must_can_do_nothing_before(pages: Flask, log_in: LogIn, runtime: Runtime) -> None:
    own, manager = log_in("admin"), log_in("manager")
    require(pages, "administrators")
    for rule in (LOOKING | LOOKING_ADMINS | FOR_SENDERS) - {FACTORS}:
        answer = own.look(address(rule, 1, 1))
        assert (answer.status_code, answer.location) == (303, FACTORS), rule
    page = own.look(FACTORS)
    assert "You need a second factor here." in text_of(page)
    assert 'class="topnav"' not in page.text
    for rule in CHANGING | {"/account", "/account/password", "/account/factors/codes"}:
        assert own.press(address(rule, 1, 1), id="1").location == FACTORS, rule
    assert own.press("/runs", htmx=True).headers["HX-Redirect"] == FACTORS
    assert ("admin@example.com", "refused", "/runs", "no second factor is set up yet") in done(
        runtime, "refused"
    )
    assert is_in(manager)
    secret = begin_app(own)
    answer = own.press(f"{FACTORS}/app/confirm", code=code(secret), password_now=PASSWORD)
    assert len(CODE.findall(answer.text)) == 10
    assert (is_in(own), own.look("/users").status_code) == (True, 200)


def test_a_person_who_must_may_log_out(pages: Flask, log_in: LogIn) -> None:
    own = log_in("viewer")
    require(pages, "all")
    own.look(FACTORS)
    assert own.press("/logout").location == "/login"


def test_the_last_factor_stays_where_one_is_needed(pages: Flask, log_in: LogIn) -> None:
    own = log_in("manager")
    set_up_app(own)
    require(pages, "all")
    own.look(FACTORS)
    answer = own.press(f"{FACTORS}/app/remove", password_now=PASSWORD)
    assert (answer.status_code, "set up another one first" in text_of(answer)) == (422, True)
    require(pages, "administrators")
    own.look(FACTORS)
    assert own.press(f"{FACTORS}/app/remove", password_now=PASSWORD).status_code == 303


@pytest.mark.security("C14", "C27")
def test_an_administrator_removes_the_factor_of_a_lost_phone(
    pages: Flask, log_in: LogIn, runtime: Runtime
) -> None:
    own, admin = log_in("manager"), log_in("admin")
    url = f"/users/{user_id(runtime, 'manager@example.com')}"
    assert "None: the password alone logs this person in." in text_of(admin.look(url))
    assert "has no second factor" in text_of(admin.look(admin.press(f"{url}/factor/remove").location or ""))
    set_up_app(own)
    said = text_of(admin.look(url))
    assert "Set up: an authenticator app." in said
    assert "10 recovery codes are left." in said
    assert admin.press(f"{url}/factor/remove").location == url
    assert "logs in by password alone now: an authenticator app removed." in text_of(admin.look(url))
    assert not is_in(own)
    other = Browser(pages.test_client())
    assert other.log_in("manager@example.com").location == "/"
    assert done(runtime, "second factor removed") == [
        ("admin@example.com", "second factor removed", "manager@example.com", "an authenticator app")
    ]


def test_an_administrator_removes_their_own_with_their_password_only(log_in: LogIn, runtime: Runtime) -> None:
    admin = log_in("admin")
    set_up_app(admin)
    url = f"/users/{user_id(runtime, 'admin@example.com')}"
    assert "Remove second factor" not in admin.look(url).text
    assert "on the page of your account" in text_of(
        admin.look(admin.press(f"{url}/factor/remove").location or "")
    )


def test_the_command_removes_it_too(pages: Flask, log_in: LogIn, runtime: Runtime) -> None:
    own = log_in("manager")
    set_up_app(own)
    run = pages.test_cli_runner().invoke
    told = run(commands, ["reset-factor", "manager@example.com"])
    assert told.output == (
        "manager@example.com logs in by password alone now: an authenticator app removed.\n"
    )
    assert not is_in(own)
    again = run(commands, ["reset-factor", "manager@example.com"])
    assert (again.exit_code, "has no second factor" in again.output) == (1, True)
    assert run(commands, ["reset-factor", "no.one@example.com"]).exit_code == 1
    assert done(runtime, "second factor removed")[0][0] == "command line"
    assert "reset-factor" in CliRunner().invoke(main, ["users", "--help"]).output


def test_the_list_of_users_says_who_must(pages: Flask, log_in: LogIn) -> None:
    admin = log_in("admin")
    set_up_app(admin)
    require(pages, "administrators")
    assert "Administrators need a second factor." in text_of(admin.look("/users"))
    other = Browser(pages.test_client())
    give_password(other, "admin@example.com")
    assert not is_in(other)
