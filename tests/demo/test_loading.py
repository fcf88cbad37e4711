"""Loading the demo: once, into an empty database, with a way in of this installation's own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import factories
from webapp.demo import loading
from webapp.extensions import Runtime
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.users import User
from webapp.users import accounts

TODAY = date(2026, 11, 23)

pytestmark = pytest.mark.usefixtures("set_once")


def silent(words: str) -> None:
    """Hears nothing."""


def count(session: Session, table: type[object]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_everything_is_there_once_whatever_it_crashed_at(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for step, customers in (("import_folder", 0), ("_let_in", 200)):
        with monkeypatch.context() as patch:
            patch.setattr(loading, step, _crash)
            with pytest.raises(KeyboardInterrupt):
                loading.load(runtime, TODAY, said.append)
        with runtime.database.reading() as session:
            assert count(session, Customer) == customers
            assert count(session, User) == 0
    for _ in range(2):
        loading.load(runtime, TODAY, said.append)
    assert len(said) == 2  # the import, begun twice
    with runtime.database.reading() as session:
        assert count(session, Customer) == 200
        assert count(session, Invoice) > 600
        assert count(session, TransformationResult) > 800
        assert count(session, MessageDefinition) == 5
        assert set(session.scalars(select(TemplateText.language))) == {"", "nl", "de", "fr"}
        assert session.scalar(select(func.count()).where(Customer.suspended)) == 4
        assert count(session, User) == 1
        kept = loading.login(runtime.settings.home)
        assert kept is not None
        user = accounts.authenticate(session, *kept)
    assert user is not None
    assert user.role == "admin"
    assert (runtime.settings.home / "demo_login").stat().st_mode & 0o777 == 0o600
    assert not (runtime.settings.home / "demo_folder").exists()


@pytest.mark.security("C13", "C15")
def test_two_installations_have_different_passwords(tmp_path: Path) -> None:
    passwords = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        loading._keep_login(tmp_path / name, secrets.token_urlsafe(12))
        kept = loading.login(tmp_path / name)
        assert kept is not None
        passwords.add(kept[1])
    assert len(passwords) == 2


def test_data_of_ones_own_is_left_alone(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        factories.customer(session, factories.cluster(session, "Mine"))
    loading.load(runtime, TODAY, silent)
    with runtime.database.reading() as session:
        assert count(session, Customer) == 1
        assert count(session, User) == 0
    assert loading.login(runtime.settings.home) is None


def test_a_password_that_was_changed_is_no_longer_told(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        user = accounts.create_user(session, loading.EMAIL, "first password", "admin")
        loading._keep_login(runtime.settings.home, "first password")
    loading.load(runtime, TODAY, silent)
    assert loading.login(runtime.settings.home) is not None
    with runtime.database.writing() as session:
        accounts.rehash(session, user, "second password")
    loading.load(runtime, TODAY, silent)
    assert loading.login(runtime.settings.home) is None


def test_the_mail_server_follows_the_catcher_and_no_other_does(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        factories.customer(session, factories.cluster(session, "Mine"))
        ours = factories.mail_server(session, name=loading.SERVER, port=2525)
        other = factories.mail_server(session, name="Real", port=2525)
    moved = replace(runtime, settings=replace(runtime.settings, catcher_port=3210))
    loading.load(moved, TODAY, silent)
    with runtime.database.reading() as session:
        ports = dict(session.execute(select(MailServer.id, MailServer.port)).all())
    assert ports == {ours.id: 3210, other.id: 2525}


def _crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
