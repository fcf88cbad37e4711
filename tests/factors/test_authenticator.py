"""Codes of an authenticator app: which count, that each counts once, and how the secret is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.factors.codes import code, set_up
from tests.launch.test_secrets import with_keys
from tests.store.secrets_in import dump
from tests.users.test_races import at_once
from webapp import sealing
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.factors import authenticator
from webapp.store.logins import AuthenticatorApp
from webapp.store.types import now
from webapp.store.users import User

pytestmark = pytest.mark.usefixtures("steady_codes")


def taken(runtime: Runtime, user_id: int, typed: str) -> bool:
    with runtime.database.writing() as session:
        return authenticator.check(session, user_id, typed)


@pytest.mark.security("C13")
def test_a_code_counts_once_and_so_do_those_before(runtime: Runtime) -> None:
    user_id, secret = set_up(runtime)
    assert not taken(runtime, user_id, code(secret, -1))  # it was the first code, at the set-up
    now_shown = code(secret)
    assert taken(runtime, user_id, now_shown)
    assert not taken(runtime, user_id, now_shown)
    assert taken(runtime, user_id, code(secret, 1))
    assert not taken(runtime, user_id, code(secret))


@pytest.mark.parametrize("typed", ["", "000000x", "12345", "１２３４５６", "' OR 1=1", "9" * 5000])
def test_what_is_no_code_is_refused(runtime: Runtime, typed: str) -> None:
    user_id, secret = set_up(runtime)
    assert not taken(runtime, user_id, typed)
    assert not taken(runtime, user_id, code(secret, 2))
    assert not taken(runtime, user_id, code(secret, -2))
    assert not taken(runtime, user_id + 1, code(secret))
    shown = code(secret)
    assert taken(runtime, user_id, f" {shown[:3]} {shown[3:]} ")


@pytest.mark.security("C24")
def test_of_many_at_once_with_one_code_one_gets_in(runtime: Runtime) -> None:
    user_id, secret = set_up(runtime)
    shown, in_time = code(secret), list[bool]()
    verbs = [lambda: in_time.append(taken(runtime, user_id, shown)) for _ in range(20)]
    assert at_once(*verbs) == []
    assert sorted(in_time) == [False] * 19 + [True]


def test_a_secret_counts_only_after_its_first_code_and_not_for_long(runtime: Runtime) -> None:
    user_id, secret = set_up(runtime)
    with runtime.database.writing() as session:
        user = session.get_one(User, user_id)
        authenticator.begin(session, user)
        other = authenticator.pending_secret(session, user)
        assert not authenticator.confirm(session, user, "000000")
    assert not taken(runtime, user_id, code(other))
    assert taken(runtime, user_id, code(secret))  # the app before goes on until then
    with runtime.database.writing() as session:
        late = now() - authenticator.PENDING_MAX - timedelta(seconds=1)
        session.execute(update(AuthenticatorApp).values(pending_at=late))
    with pytest.raises(Refused, match="30 minutes"), runtime.database.writing() as session:
        authenticator.confirm(session, session.get_one(User, user_id), code(other))


@pytest.mark.security("C18")
def test_the_secret_is_sealed_for_its_user_and_sealed_again_with_another_key(runtime: Runtime) -> None:
    user_id, secret = set_up(runtime)
    other_id, _ = set_up(runtime, "bob@example.com")
    assert secret not in dump(runtime)
    before = runtime.settings.secret_key
    rotated = with_keys(runtime, "another-key-" + "k" * 30, before)
    done = sealing.rotate(rotated.database, "test")
    assert (done.older, done.unreadable) == (2, 0)
    alone = with_keys(runtime, "another-key-" + "k" * 30)
    assert taken(alone, user_id, code(secret))
    with pytest.raises(Refused, match="cannot be read"):
        taken(runtime, user_id, code(secret, 1))
    with alone.database.writing() as session:
        stolen = select(AuthenticatorApp.secret).where(AuthenticatorApp.user_id == user_id)
        session.execute(
            update(AuthenticatorApp)
            .where(AuthenticatorApp.user_id == other_id)
            .values(secret=stolen.scalar_subquery())
        )
    with pytest.raises(Refused, match="belongs to another"):  # the row of another user is of no use
        taken(alone, other_id, code(secret, 1))
    rotated.database.dispose()
    alone.database.dispose()


def test_a_lost_key_is_told_by_rotate(runtime: Runtime) -> None:
    set_up(runtime)
    lost = with_keys(runtime, "another-key-" + "k" * 30)
    with lost.database.writing() as session:
        assert authenticator.seal_again(session) == (0, ["authenticator app of ann@example.com"])
    lost.database.dispose()


def test_the_qr_code_has_the_address_of_the_secret() -> None:
    uri = authenticator.address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ann@example.com")
    assert (
        uri
        == "otpauth://totp/Mailrun:ann%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Mailrun"
    )
    drawn = authenticator.picture(uri)
    assert drawn.startswith("<svg")
    assert "style=" not in drawn  # the policy of the pages allows none
