"""`mailrun users`, as an operator runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import factories
from tests.http_client import PASSWORD
from webapp import create_app
from webapp.config import Settings
from webapp.extensions import Runtime
from webapp.store.users import AuditEntry, User, UserCluster
from webapp.users import accounts
from webapp.users.commands import users


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The command is the same on both databases."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(sqlite_template, home / "mailrun.sqlite3")
    return f"sqlite:///{home / 'mailrun.sqlite3'}"


def run(settings: Settings, *args: str, typed: str = "") -> Result:
    return create_app(settings).test_cli_runner().invoke(users, args, input=typed)


def test_an_account_is_made_with_its_clusters(settings: Settings, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        factories.cluster(session, "Germany")
    result = run(
        settings, "create", "marit@example.com", "--role", "manager", "--cluster", "Germany",
        "--password-stdin", typed="correct horse battery\nnot read\n",
    )  # fmt: skip
    assert (result.exit_code, result.output) == (0, "marit@example.com can log in, with the role manager.\n")
    with runtime.database.reading() as session:
        assert session.query(User).one().role == "manager"
        assert session.query(UserCluster).count() == 1
        assert session.query(AuditEntry).one().action == "user created"


def test_without_standard_input_the_password_is_asked_for_twice(settings: Settings) -> None:
    typed = "correct horse battery\ncorrect horse battery\n"
    result = run(settings, "create", "marit@example.com", "--role", "viewer", typed=typed)
    assert result.exit_code == 0
    assert "correct horse" not in result.output


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("marit@", "--role", "viewer"), 1, "not an email address"),
        (("marit@example.com", "--role", "root"), 2, "'root' is not one of"),
        (("marit@example.com",), 2, "Missing option '--role'"),
        (("marit@example.com", "--role", "viewer", "--cluster", "Nowhere"), 1, "no customer cluster"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_made(
    settings: Settings, runtime: Runtime, args: tuple[str, ...], status: int, words: str
) -> None:
    result = run(settings, "create", *args, "--password-stdin", typed="correct horse battery\n")
    assert result.exit_code == status
    assert words in result.output
    with runtime.database.reading() as session:
        assert session.query(User).count() == 0


def session_key(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return session.query(User).one().session_key


@pytest.mark.parametrize(
    ("args", "typed", "words"),
    [
        (("disable",), "", "can no longer log in; all sessions have ended."),
        (("reset", "--password-stdin"), "another horse battery\n", "has another password"),
        (("set", "--role", "viewer"), "", "has the role viewer and sees Germany."),
        (("set", "--all-clusters"), "", "has the role manager and sees all clusters."),
    ],
)
def test_f11_a_stolen_account_is_shut_at_once(
    settings: Settings, runtime: Runtime, args: tuple[str, ...], typed: str, words: str
) -> None:
    with runtime.database.writing() as session:
        factories.cluster(session, "Germany")
        accounts.create_user(session, "marit@example.com", PASSWORD, "manager", clusters=["Germany"])
    before = session_key(runtime)
    result = run(settings, args[0], "Marit@example.com", *args[1:], typed=typed)
    assert result.exit_code == 0, result.output
    assert words in result.output
    assert session_key(runtime) != before
    with runtime.database.reading() as session:
        opens = accounts.authenticate(session, "marit@example.com", PASSWORD)
        assert (opens is None) == (args[0] in ("disable", "reset"))
        assert session.query(AuditEntry).one().subject == "marit@example.com"


def test_a_disabled_account_is_enabled_again_and_listed(settings: Settings, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        accounts.create_user(session, "marit@example.com", PASSWORD, "viewer")
    run(settings, "disable", "marit@example.com")
    assert run(settings, "list").output == "marit@example.com  viewer  all clusters  disabled\n"
    run(settings, "enable", "marit@example.com")
    assert '"disabled": false' in run(settings, "list", "--json").output
    assert run(settings, "disable", "other@example.com").exit_code == 1
    assert run(settings, "set", "marit@example.com").exit_code == 2


def test_the_command_is_part_of_mailrun() -> None:
    from webapp.cli import main

    assert "create" in CliRunner().invoke(main, ["users", "--help"]).output
