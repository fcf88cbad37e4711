"""Two at the same time, on both databases: the last administrator, and the first one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests import factories
from tests.http_client import PASSWORD
from webapp.errors import Refused
from webapp.store.database import Database
from webapp.store.users import User
from webapp.users import accounts, first_start, links


def at_once(*verbs: Callable[[], None]) -> list[str]:
    """Runs them in threads that begin together; returns what was refused, in any order."""
    begin, refused = threading.Barrier(len(verbs)), list[str]()

    def run(verb: Callable[[], None]) -> None:
        begin.wait()
        try:
            verb()
        except Refused as refusal:
            refused.append(str(refusal))

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


@pytest.mark.parametrize("how", ["demote", "disable", "bind"])
def test_two_administrators_cannot_both_leave(database: Database, how: str) -> None:
    with database.writing() as session:
        factories.cluster(session, "Germany")
        for name in ("ann", "bob"):
            accounts.create_user(session, f"{name}@example.com", PASSWORD, "admin")

    def leave(email: str) -> None:
        with database.writing() as session:
            if how == "demote":
                accounts.change(session, email, "manager")
            elif how == "bind":
                accounts.change(session, email, None, ["Germany"])
            else:
                accounts.disable(session, email)

    refused = at_once(lambda: leave("ann@example.com"), lambda: leave("bob@example.com"))
    assert refused == [accounts.LAST_ADMINISTRATOR]


def test_an_invited_administrator_is_no_replacement(database: Database) -> None:
    with database.writing() as session:
        accounts.create_user(session, "ann@example.com", PASSWORD, "admin")
        accounts.create_user(session, "bob@example.com", None, "admin")
    with pytest.raises(Refused, match="last administrator"), database.writing() as session:
        accounts.disable(session, "ann@example.com")


def test_of_two_first_administrators_one_is_made(database: Database) -> None:
    with database.reading() as session:
        code = first_start.code(session)

    def make(email: str) -> None:
        with database.writing() as session:
            first_start.make_administrator(session, code, email, "", PASSWORD)

    refused = at_once(lambda: make("ann@example.com"), lambda: make("bob@example.com"))
    assert refused == [first_start.CLOSED]
    with database.reading() as session:
        assert session.scalars(select(User.role)).all() == ["admin"]


def test_of_two_uses_of_a_link_one_counts(database: Database) -> None:
    with database.writing() as session:
        user = accounts.create_user(session, "ann@example.com", None, "manager")
        token = links.make(session, "test", user)

    def use(password: str) -> None:
        with database.writing() as session:
            links.use(session, token, password)

    assert at_once(lambda: use("first password"), lambda: use("second password")) == [links.VOID]
