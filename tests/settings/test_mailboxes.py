"""Mailboxes under Settings: added, checked, changed; their passwords; and the sender that uses one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.bounces.conftest import make_maildir
from tests.http_client import Browser, LogIn, text_of
from tests.launch.test_secrets import with_keys
from tests.oauth.accounts import account
from tests.settings.filled import filled
from tests.settings.test_setting_pages import audited, seen
from tests.token_endpoint import token_endpoint
from tests.world import World
from webapp import sealing
from webapp.mailservers import passwords
from webapp.store.base import Base
from webapp.store.bounces import Mailbox
from webapp.store.mailservers import OAuthAccount, Sender

SECRET = "Zahlstraße-geheim-2"
FORM = {
    "name": "Bounces", "kind": "imap", "host": "imap.example.com", "port": "993", "security": "tls",
    "username": "bounces@example.com", "password": SECRET, "folder": "", "done_folder": "",
    "every_minutes": "5", "authorities": "",
}  # fmt: skip


@pytest.fixture
def admin(log_in: LogIn, world: World) -> Browser:
    return log_in("admin")


@pytest.fixture
def url(admin: Browser) -> str:
    admin.look("/mailboxes/new")
    made = admin.press("/mailboxes/new", **FORM)
    assert made.status_code == 303, text_of(made)
    return str(made.headers["Location"])


def stored(world: World) -> Mailbox:
    with world.runtime.database.reading() as session:
        return session.scalars(select(Mailbox)).one()


@pytest.mark.security("C18")
def test_its_password_is_sealed_and_shown_nowhere(admin: Browser, world: World, url: str) -> None:
    assert passwords.opened(stored(world), world.runtime.settings) == (SECRET, "")
    for page in (url, "/mailboxes", "/settings", "/bounces"):
        assert SECRET not in admin.look(page).text
    with world.runtime.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            assert SECRET not in repr(session.execute(select(table)).all()), table.name
    assert stored(world).folder == "INBOX"


def test_it_goes_nowhere_else_by_itself(admin: Browser, world: World, url: str) -> None:
    stamp = seen(admin, url)
    refused = admin.press(url, seen=stamp, **{**FORM, "password": "", "host": "evil.example.com"})
    assert refused.status_code == 422
    assert "Enter the password again" in text_of(refused)
    assert stored(world).host == "imap.example.com"


def test_a_new_secret_key_seals_it_again(world: World, url: str) -> None:
    after = with_keys(world.runtime, "k" * 40, world.runtime.settings.secret_key)
    alone = replace(after.settings, former_keys=())
    assert "MAILRUN_SECRET_KEY_OLD" in passwords.opened(stored(world), alone)[1]
    counts = sealing.rotate(after.database, "test")
    assert (counts.older, counts.unreadable) == (1, 0)
    assert passwords.opened(stored(world), alone) == (SECRET, "")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"host": ""}, "Host"),
        ({"host": "169.254.169.254"}, "metadata"),
        ({"port": "0"}, "Port"),
        ({"username": ""}, "Enter the user name"),
        ({"every_minutes": "0"}, "Minutes"),
        ({"kind": "maildir", "folder": "relative"}, "Enter the path"),
    ],
)
def test_what_cannot_be_is_refused(admin: Browser, wrong: dict[str, str], words: str) -> None:
    admin.look("/mailboxes/new")
    answer = admin.press("/mailboxes/new", **{**FORM, **wrong})
    assert answer.status_code == 422
    assert words in text_of(answer)


def test_a_check_opens_it_and_counts(admin: Browser, world: World, tmp_path: Path) -> None:
    path = make_maildir(tmp_path / "maildir")
    (path / "new" / "1").write_bytes(b"Subject: x\n\nx")
    admin.look("/mailboxes/new")
    given = {**FORM, "kind": "maildir", "folder": str(path), "host": "", "username": "", "password": ""}
    url = str(admin.press("/mailboxes/new", **given).headers["Location"])
    said = text_of(admin.press(f"{url}/check", **filled(admin, url)))
    assert "The connection works. 1 mail waits in the folder." in said
    assert audited(world)[-1] == "check connection mailbox Bounces: the connection works, 1 mails"
    path.rename(path.with_name("away"))
    assert "The mailbox cannot be read:" in text_of(admin.press(f"{url}/check", **filled(admin, url)))
    assert "Nothing uses it" in text_of(admin.look(url))


def test_a_sender_uses_it(admin: Browser, world: World, url: str) -> None:
    with world.runtime.database.reading() as session:
        sender = session.scalars(select(Sender)).one()
    page, mailbox_id = f"/senders/{sender.id}", stored(world).id
    form = {"address": sender.address, "mail_server_id": sender.mail_server_id, "mailbox_id": mailbox_id}
    refused = admin.press(page, seen=seen(admin, page), **form)
    assert "Enter the address that the mailbox is read for" in text_of(refused)
    long = admin.press(page, seen=seen(admin, page), **form, envelope_sender=f"{'b' * 41}@example.com")
    assert "At most 40 characters" in text_of(long)
    stamp = seen(admin, page)
    assert admin.press(page, seen=stamp, **form, envelope_sender="b@example.com").status_code == 303
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Sender.mailbox_id)).one() == mailbox_id
    assert "It cannot be deleted while the sender" in text_of(admin.look(url))
    stamp = seen(admin, page)
    admin.press(page, seen=stamp, **{**form, "mailbox_id": ""}, envelope_sender="b@example.com")
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Sender.mailbox_id)).one() is None


def test_it_logs_in_by_an_oauth_account_of_its_host(admin: Browser, world: World, url: str) -> None:
    with world.runtime.database.writing() as session, token_endpoint() as endpoint:
        account_id = account(session, endpoint, hosts="imap.example.com outlook.example.com").id
    chosen = {**FORM, "password": "", "oauth_account_id": str(account_id)}
    assert admin.press(url, seen=seen(admin, url), **chosen).status_code == 303
    assert stored(world).oauth_account_id == account_id
    for wrong, words in (
        ({"host": "imap.other.example", "password": SECRET}, "The tokens of “Provider” go to"),
        ({"kind": "pop3"}, "A mailbox with an OAuth account is read by IMAP."),
    ):
        refused = admin.press(url, seen=seen(admin, url), **{**chosen, **wrong})
        assert refused.status_code == 422
        assert words in text_of(refused)
    assert admin.press(url, seen=seen(admin, url), **{**chosen, "oauth_account_id": ""}).status_code == 303
    with world.runtime.database.reading() as session:
        assert session.scalars(select(OAuthAccount)).all() == []
