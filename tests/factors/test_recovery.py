"""Recovery codes: ten, as hashes, each once."""

from __future__ import annotations

import re

import pytest

from tests.http_client import PASSWORD
from tests.store.secrets_in import dump
from tests.users.test_races import at_once
from webapp.extensions import Runtime
from webapp.factors import recovery
from webapp.users.accounts import create_user


def with_codes(runtime: Runtime, email: str = "ann@example.com") -> tuple[int, list[str]]:
    with runtime.database.writing() as session:
        user = create_user(session, email, PASSWORD, "manager")
        return user.id, recovery.make(session, user.id)


def used(runtime: Runtime, user_id: int, typed: str) -> bool:
    with runtime.database.writing() as session:
        return recovery.use(session, user_id, typed)


@pytest.mark.security("C18")
def test_ten_codes_are_kept_as_hashes_and_each_counts_once(runtime: Runtime) -> None:
    user_id, codes = with_codes(runtime)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){3}[A-Z2-7]{4}", each) for each in codes)
    kept = dump(runtime)
    assert not any(each in kept or each.replace("-", "") in kept for each in codes)
    assert used(runtime, user_id, codes[3])
    assert not used(runtime, user_id, codes[3])
    assert used(runtime, user_id, f" {codes[4].lower().replace('-', ' ')} ")
    with runtime.database.reading() as session:
        assert recovery.left(session, user_id) == 8


def test_new_codes_void_the_old_and_no_one_has_anothers(runtime: Runtime) -> None:
    user_id, codes = with_codes(runtime)
    other_id, others = with_codes(runtime, "bob@example.com")
    assert not used(runtime, user_id, others[0])
    assert not used(runtime, user_id, "")
    with runtime.database.writing() as session:
        newer = recovery.make(session, user_id)
    assert not any(used(runtime, user_id, each) for each in codes)
    assert used(runtime, user_id, newer[0])
    assert used(runtime, other_id, others[0])


@pytest.mark.security("C24")
def test_of_fifty_at_once_with_one_code_one_gets_in(runtime: Runtime) -> None:
    user_id, codes = with_codes(runtime)
    got_in = list[bool]()
    assert at_once(*[lambda: got_in.append(used(runtime, user_id, codes[0]))] * 50) == []
    assert (len(got_in), sum(got_in)) == (50, 1)
    with runtime.database.reading() as session:
        assert recovery.left(session, user_id) == 9
