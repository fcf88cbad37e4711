"""Settings, listed, added, changed and deleted in the browser, by administrators only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.settings.filled import filled
from tests.smtp.certificates import authority
from tests.world import World
from webapp.settings.kinds import KINDS, SERVERS, SettingKind
from webapp.store.bounces import Mailbox
from webapp.store.customers import RecipientKey
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import TroubleKind
from webapp.store.types import now
from webapp.store.users import AuditEntry

SERVER = {
    "name": "Relay", "host": "smtp.example.com", "port": "587", "security": "starttls", "username": "mailrun",
    "password_env": "SMTP_PASSWORD", "rate_per_minute": "300", "domain_rate_per_minute": "0",
    "recipients_per_day": "0", "max_connections": "4", "ehlo_name": "", "authorities": "",
}  # fmt: skip


@pytest.fixture
def admin(log_in: LogIn, world: World) -> Browser:
    return log_in("admin")


def page(browser: Browser, url: str) -> str:
    answer = browser.look(url)
    assert answer.status_code == 200, url
    return text_of(answer)


def audited(world: World) -> list[str]:
    with world.runtime.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [f"{row.action} {row.subject}: {row.detail}" for row in rows if row.action != "login"]


def seen(browser: Browser, url: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', browser.look(url).text)
    assert found
    return found[1]


@pytest.mark.security("C16")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
@pytest.mark.parametrize("role", ["manager", "viewer"])
def test_others_than_administrators_see_no_settings(log_in: LogIn, kind: SettingKind, role: str) -> None:
    browser = log_in(role)
    for url in ("/settings", kind.path, f"{kind.path}/new", f"{kind.path}/1"):
        assert browser.look(url).status_code == 403
    assert 'href="/settings"' not in browser.look("/runs").text
    browser.look("/account")
    for url in (f"{kind.path}/new", f"{kind.path}/1", f"{kind.path}/1/delete"):
        assert browser.press(url, name="x").status_code == 403


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_what_others_use_is_not_deleted(admin: Browser, world: World, kind: SettingKind) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        session.add(mailbox := Mailbox(name="Bounces", kind="maildir"))
        session.flush()
        session.execute(update(Sender).values(mailbox_id=mailbox.id))
    with world.runtime.database.reading() as session:
        model = kind.model
        rows = session.scalars(select(model)).all()
    used = [row for row in rows if "cannot be deleted while" in page(admin, f"{kind.path}/{row.id}")]  # type: ignore[attr-defined]
    assert used
    answer = admin.press(f"{kind.path}/{used[0].id}/delete")  # type: ignore[attr-defined]
    assert answer.status_code == 303
    with world.runtime.database.reading() as session:
        assert len(session.scalars(select(model)).all()) == len(rows)


def test_a_mail_server_is_added_changed_and_deleted(admin: Browser, world: World) -> None:
    admin.look("/servers/new")
    made = admin.press("/servers/new", **SERVER)
    assert made.status_code == 303
    url = made.headers["Location"]
    assert "smtp.example.com:587" in page(admin, "/servers")
    stamp = seen(admin, url)
    changed = {**SERVER, "max_connections": "2", "authorities": authority().pem}
    assert admin.press(url, seen=stamp, **changed).status_code == 303
    with world.runtime.database.reading() as session:
        row = session.scalars(select(MailServer).where(MailServer.name == "Relay")).one()
        assert (row.max_connections, row.port) == (2, 587)
        assert row.authorities.startswith("-----BEGIN CERTIFICATE-----")
    admin.look(url)
    again = admin.press(url, seen=stamp, **SERVER)
    assert again.status_code == 422
    assert "This was changed by" in text_of(again)
    admin.look(url)
    assert admin.press(f"{url}/delete").headers["Location"] == "/servers"
    assert [line.partition(":")[0] for line in audited(world)] == [
        "add mail server Relay", "change mail server Relay", "delete mail server Relay"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name is empty"),
        ("host", "smtp example", "Host is"),
        ("host", "169.254.169.254", "link-local or metadata address"),
        ("port", "0", "must be between 1 and 65535"),
        ("port", "abc", "Port must be a whole number."),
        ("port", "9" * 5000, "Port must be a whole number."),
        ("authorities", "é", "is no certificate in PEM"),
        ("password_env", "HOME", "which holds something else"),
        ("max_connections", "0", "must be between 1 and"),
        ("password_env", "my password", "must be the name of an environment variable"),
        ("password_env", "MAILRUN_SECRET_KEY", "which holds something else"),
        ("username", "", "User name is empty; name the user whose password"),
        ("ehlo_name", "web_1", "the name in EHLO is written like"),
        ("authorities", "hello", "is no certificate in PEM"),
        ("security", "ssl", "Not a valid choice"),
    ],
)
def test_what_is_wrong_with_a_server_is_said_at_the_field(
    admin: Browser, world: World, field: str, value: str, words: str
) -> None:
    admin.look("/servers/new")
    answer = admin.press("/servers/new", **{**SERVER, field: value})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "smtp.example.com" in answer.text or field == "host"
    with world.runtime.database.reading() as session:
        assert session.scalar(select(MailServer).where(MailServer.name == "Relay")) is None


@pytest.mark.security("C16")
def test_mailruns_own_services_are_no_mail_servers(admin: Browser, world: World) -> None:
    host, port = next(iter(world.runtime.settings.own_services), ("127.0.0.1", 0))
    admin.look("/servers/new")
    answer = admin.press("/servers/new", **{**SERVER, "host": host, "port": str(port)})
    assert answer.status_code == 422


def test_a_server_that_waits_is_tried_when_a_person_says_so(admin: Browser, world: World) -> None:
    with world.runtime.database.writing() as session:
        row = factories.mail_server(session, name="Other", port=2525)
        row.trouble, row.trouble_kind = "it refuses the login: 535 no", TroubleKind.LOGIN
        row.trouble_since, row.next_try_at = now(), now() + timedelta(hours=1)
        row.trouble_count = 3
    url = f"/servers/{row.id}"
    text = page(admin, url)
    assert "Waiting since" in text
    assert "it refuses the login: 535 no" in text
    assert admin.press(f"{url}/try").status_code == 303
    with world.runtime.database.reading() as session:
        due = session.get_one(MailServer, row.id).next_try_at
        assert due is not None
        assert due <= now()
    assert audited(world)[-1] == "try now mail server Other: it refuses the login: 535 no"


def test_a_sender_a_key_and_a_transformation(admin: Browser, world: World) -> None:
    with world.runtime.database.reading() as session:
        server = session.scalars(select(MailServer.id)).first()
    sender = {
        "name": "dunning", "address": "dunning@example.com", "display_name": "Dunning", "reply_to": "",
        "envelope_sender": "", "mail_server_id": server,
    }  # fmt: skip
    for path, form in (
        ("/senders", sender),
        ("/recipient-keys", {"name": "technical", "description": "For faults"}),
        ("/transformations", {"name": "UBL", "output_type": "xml"}),
    ):
        admin.look(f"{path}/new")
        made = admin.press(f"{path}/new", **form)
        assert made.status_code == 303, text_of(made)
        assert str(form["name"]) in page(admin, path)
        admin.look(f"{path}/new")
        twice = admin.press(f"{path}/new", **form)
        assert twice.status_code == 422
        assert "already" in text_of(twice)
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Sender).where(Sender.key == "dunning")).one().mail_server_id == server
        assert session.scalar(select(RecipientKey.description).where(RecipientKey.key == "technical"))


def test_the_connection_is_checked_and_shown(admin: Browser, world: World) -> None:
    with world.runtime.database.reading() as session:
        row = session.scalars(select(MailServer)).first()
        assert row is not None
    url = f"{SERVERS.path}/{row.id}"
    typed = filled(admin, url)
    answer = admin.press(f"{url}/check", **typed, recipient="a@customers.test")
    text = text_of(answer)
    assert answer.status_code == 200
    assert "The connection works." in text
    assert "RCPT TO:&lt;a@customers.test&gt;" in text
    assert "check connection mail server" in audited(world)[-1]
    wrong = admin.press(f"{url}/check", **typed, recipient="no address")
    assert wrong.status_code == 422
    world.server.stop()
    text = text_of(admin.press(f"{url}/check", **typed, recipient=""))
    assert "Nothing listens at" in text
