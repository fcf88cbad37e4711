"""Passkeys: which answers of a browser let in. They are made by a key of software (soft_key.py)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.factors.soft_key import HERE, SoftKey
from tests.http_client import PASSWORD
from tests.users.test_races import at_once
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.factors import passkeys
from webapp.factors.passkeys import RelyingParty
from webapp.store.logins import Passkey
from webapp.store.users import User
from webapp.users.accounts import create_user


def person(runtime: Runtime, email: str = "ann@example.com") -> int:
    with runtime.database.writing() as session:
        return create_user(session, email, PASSWORD, "manager").id


def add(
    runtime: Runtime, user_id: int, key: SoftKey, name: str = "Phone", *, party: RelyingParty = HERE
) -> str:
    challenge = passkeys.new_challenge()
    with runtime.database.writing() as session:
        user = session.get_one(User, user_id)
        options = passkeys.options_to_add(session, user, party, challenge)
        return passkeys.add(session, user, party, challenge, key.made(options), name)


def opens(
    runtime: Runtime, key: SoftKey, second_of: int | None = None, *, handle: bytes | None = None
) -> str | None:
    """The name of the passkey that lets in by what this key signs."""
    challenge = passkeys.new_challenge()
    with runtime.database.writing() as session:
        options = passkeys.options_to_sign_in(session, HERE, challenge, second_of)
        answer = key.signed(options, handle=handle)
        found = passkeys.used(session, HERE, challenge, answer, second_of)
        return found.name if found else None


def test_a_passkey_opens_the_account_that_it_was_made_for(runtime: Runtime) -> None:
    ann, bob = person(runtime), person(runtime, "bob@example.com")
    key, other = SoftKey(), SoftKey()
    assert add(runtime, ann, key, "  Ann's \x1b phone ") == "Ann's ␛ phone"
    add(runtime, bob, other)
    assert opens(runtime, key) == "Ann's ␛ phone"
    assert opens(runtime, key, ann) == "Ann's ␛ phone"
    assert opens(runtime, key, bob) is None  # as the second step after Bob's password
    assert opens(runtime, key, handle=other.handle) is None
    assert opens(runtime, key, handle=b"") is None
    assert opens(runtime, SoftKey(handle=key.handle)) is None  # one that was never added
    assert opens(runtime, replace(SoftKey(), id=key.id, handle=key.handle)) is None  # another's signature


@pytest.mark.security("C12", "C13")
def test_what_was_signed_for_another_page_opens_nothing(runtime: Runtime) -> None:
    ann, key = person(runtime), SoftKey()
    add(runtime, ann, key)
    for party in (
        RelyingParty("localhost", "http://evil.example"),
        RelyingParty("evil.example", HERE.origin),
    ):
        assert opens(runtime, replace(key, party=party)) is None
        with pytest.raises(Refused, match="does not fit"):
            add(runtime, ann, SoftKey(party=party))
    assert opens(runtime, key) == "Phone"


@pytest.mark.security("C13")
def test_a_passkey_alone_must_have_verified_its_user(runtime: Runtime) -> None:
    ann, key = person(runtime), SoftKey()
    add(runtime, ann, key)
    key.verifies = False
    assert opens(runtime, key) is None
    assert opens(runtime, key, ann) == "Phone"  # after the password, touching it is enough
    with pytest.raises(Refused, match="does not fit"):
        add(runtime, ann, SoftKey(verifies=False))


@pytest.mark.security("C13")
def test_a_count_that_stands_still_is_refused(runtime: Runtime) -> None:
    ann, key = person(runtime), SoftKey(count=4)
    add(runtime, ann, key)
    copy = replace(key)
    assert opens(runtime, key) == "Phone"
    assert opens(runtime, key) == "Phone"
    assert opens(runtime, copy) is None
    with runtime.database.reading() as session:
        assert session.scalars(select(Passkey.sign_count)).all() == [6]


@pytest.mark.security("C24")
def test_of_many_answers_at_once_with_one_count_one_gets_in(runtime: Runtime) -> None:
    ann, key = person(runtime), SoftKey(count=1)
    add(runtime, ann, key)
    challenge, got_in = passkeys.new_challenge(), list[bool]()
    with runtime.database.reading() as session:
        answer = key.signed(passkeys.options_to_sign_in(session, HERE, challenge, None))

    def log_in() -> None:
        with runtime.database.writing() as session:
            got_in.append(passkeys.used(session, HERE, challenge, answer, None) is not None)

    assert at_once(*[log_in] * 20) == []
    assert (len(got_in), sum(got_in)) == (20, 1)


def test_one_passkey_is_added_once(runtime: Runtime) -> None:
    key = SoftKey()
    add(runtime, person(runtime), key)
    with pytest.raises(Refused, match="added before"):
        add(runtime, person(runtime, "bob@example.com"), key)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7", "::1", ""])
def test_a_host_without_a_name_has_no_passkeys(runtime: Runtime, host: str) -> None:
    with pytest.raises(Refused, match="have a name"):
        add(runtime, person(runtime), SoftKey(), party=RelyingParty(host, f"http://{host}"))


BROKEN = [
    *("", "x", "null", "[]", "{}", "[" * 40_000, "{" * 60_000, '{"id": 1}', '"' + "a" * 70_000 + '"'),
    json.dumps({"id": "x", "rawId": "é", "type": "public-key", "response": {}}),
]


@pytest.mark.security("C20", "C26")
@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_answer_is_refused(runtime: Runtime, broken: str) -> None:
    ann = person(runtime)
    with runtime.database.writing() as session:
        assert passkeys.used(session, HERE, b"c", broken, None) is None
        assert passkeys.claimed(session, broken) == ""
        with pytest.raises(Refused, match="does not fit"):
            passkeys.add(session, session.get_one(User, ann), HERE, b"c", broken, "")


NONSENSE: list[object] = ["", "AAAA", "é", "=", "e30", "A" * 1001, None, 7, {}, []]


@pytest.mark.security("C20", "C26")
def test_each_part_of_an_answer_may_be_nonsense(runtime: Runtime) -> None:
    """A stranger sends what they like: never an error of ours."""
    ann, key = person(runtime), SoftKey()
    add(runtime, ann, key)
    challenge = passkeys.new_challenge()
    with runtime.database.writing() as session:
        good = json.loads(key.signed(passkeys.options_to_sign_in(session, HERE, challenge, None)))
        for part in good["response"]:
            for nonsense in NONSENSE:
                said = json.dumps({**good, "response": {**good["response"], part: nonsense}})
                assert passkeys.used(session, HERE, challenge, said, None) is None, (part, nonsense)
        for part in ("id", "rawId", "type"):
            assert passkeys.used(session, HERE, challenge, json.dumps({**good, part: "AAAA"}), None) is None
        assert passkeys.used(session, HERE, challenge, json.dumps(good), None) is not None
