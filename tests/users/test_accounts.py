"""Accounts: what is refused, in which words; passwords are hashed, and hashed again when the effort has
grown."""

from __future__ import annotations

import time
from statistics import median

import pytest
from argon2 import PasswordHasher

from tests import factories
from webapp.access import viewer_of
from webapp.errors import Refused
from webapp.store.database import Database
from webapp.store.types import now
from webapp.store.users import User
from webapp.users import accounts
from webapp.users.accounts import authenticate, create_user

GOOD = "correct horse battery"


@pytest.fixture(scope="module", autouse=True)
def light_hashing() -> None:
    """Leaves the effort of a hash as it is: these tests are about it."""


def test_an_account_is_found_by_its_address_in_any_case(database: Database) -> None:
    with database.writing() as session:
        factories.cluster(session, "Germany")
        user = create_user(session, " Marit@Example.com ", GOOD, "manager", "Marit de Vries", ["Germany"])
        assert (user.email, user.name) == ("marit@example.com", "Marit de Vries")
        assert len(viewer_of(user).clusters) == 1
    with database.reading() as session:
        found = authenticate(session, "MARIT@example.com", GOOD)
        assert found is not None
        assert found.id == user.id
        assert authenticate(session, "marit@example.com", GOOD + " ") is None
        assert authenticate(session, "", GOOD) is None


@pytest.mark.parametrize(
    ("email", "password", "role", "clusters", "words"),
    [
        ("marit@", GOOD, "manager", [], "not an email address"),
        ("a@b.test\r\nBcc: x@y.test", GOOD, "manager", [], "line break"),
        ("marit@example.com", "short", "manager", [], "10 to 1000 characters"),
        ("marit@example.com", "x" * 1001, "manager", [], "10 to 1000 characters"),
        (
            "marit@example.com",
            GOOD,
            "root",
            [],
            "'root' is no role; there are admin, manager, editor, viewer",
        ),
        ("marit@example.com", GOOD, "manager", ["Nowhere"], "no customer cluster 'Nowhere'"),
        ("TAKEN@example.com", GOOD, "manager", [], "an account for taken@example.com already"),
    ],
)
def test_what_cannot_be_an_account_is_refused_in_words(
    database: Database, email: str, password: str, role: str, clusters: list[str], words: str
) -> None:
    with database.writing() as session:
        create_user(session, "taken@example.com", GOOD, "viewer")
    with pytest.raises(Refused, match=words), database.writing() as session:
        create_user(session, email, password, role, clusters=clusters)
    with database.reading() as session:
        assert session.query(User).count() == 1


def test_a_disabled_user_is_as_unknown(database: Database) -> None:
    with database.writing() as session:
        create_user(session, "marit@example.com", GOOD, "manager").disabled_at = now()
    with database.reading() as session:
        assert authenticate(session, "marit@example.com", GOOD) is None


def test_an_old_hash_is_replaced(database: Database) -> None:
    with database.writing() as session:
        user = create_user(session, "marit@example.com", GOOD, "manager")
        assert not accounts.has_old_hash(user)
        user.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    with database.writing() as session:
        found = authenticate(session, "marit@example.com", GOOD)
        assert found is not None
        assert accounts.has_old_hash(found)
        accounts.rehash(session, found, GOOD)
    with database.reading() as session:
        found = authenticate(session, "marit@example.com", GOOD)
        assert found is not None
        assert not accounts.has_old_hash(found)


@pytest.mark.security("C13")
def test_an_unknown_address_takes_as_long_as_a_wrong_password(database: Database) -> None:
    with database.writing() as session:
        create_user(session, "marit@example.com", GOOD, "manager")

    def milliseconds(email: str) -> float:
        took = []
        for _ in range(7):
            begun = time.perf_counter()
            with database.reading() as session:
                assert authenticate(session, email, "not the password") is None
            took.append(1000 * (time.perf_counter() - begun))
        return median(took)

    milliseconds("stranger@example.com")  # the first makes the hash that no user has
    known, unknown = milliseconds("marit@example.com"), milliseconds("stranger@example.com")
    assert known / 3 < unknown < known * 3
