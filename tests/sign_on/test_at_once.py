"""The same person arrives twice at the same moment: on both databases one user, with one identity."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from webapp.config import Settings
from webapp.sign_on.arrivals import Denied, arrive
from webapp.sign_on.provider import Person
from webapp.sign_on.role_map import parse
from webapp.store.database import Database
from webapp.store.logins import UserIdentity
from webapp.store.users import User

ROLES = parse("all = manager, send")
CLAIMS = {"email": "marit@example.com", "email_verified": True, "groups": ["all"]}


def arrives(database: Database, settings: Settings, subject: str) -> int | str:
    """The id of the user, or why there is none."""
    assert settings.logins.sign_on
    with database.writing() as session:
        found = arrive(session, Person(subject, CLAIMS, "a.b.c"), settings.logins.sign_on, ROLES)
        return found.told if isinstance(found, Denied) else found.id


@pytest.mark.security("C13")
def test_eight_first_sign_ins_at_once_make_one_user(database: Database, settings: Settings) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: arrives(database, settings, "0001"), range(8)))
    assert len(set(found)) == 1
    assert isinstance(found[0], int)
    with database.reading() as session:
        assert (session.query(User).count(), session.query(UserIdentity).count()) == (1, 1)
        assert (session.query(User).one().role, session.query(User).one().may_send) == ("manager", True)


@pytest.mark.security("C13")
def test_of_two_subjects_at_once_with_one_address_one_gets_in(database: Database, settings: Settings) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: arrives(database, settings, f"{n:04}"), range(8)))
    assert len([each for each in found if isinstance(each, int)]) == 1
    assert len([each for each in found if "there is an account" in str(each)]) == 7


@pytest.mark.security("C13")
def test_a_second_subject_with_the_address_gets_nothing(database: Database, settings: Settings) -> None:
    first = arrives(database, settings, "0001")
    assert "there is an account" in str(arrives(database, settings, "0002"))
    assert arrives(database, settings, "0001") == first
