"""A check on the page of a setting is of what is typed there: nothing is saved, a stored password goes
nowhere else, and the answer comes into the page."""

from __future__ import annotations

from pathlib import Path

import dns.resolver
import pytest
from sqlalchemy import func, select

from tests.bounces.conftest import make_maildir
from tests.http_client import Browser, LogIn, text_of
from tests.mailserver import MailServer as Relay
from tests.settings.dns_server import name_server
from tests.settings.filled import filled
from tests.settings.test_setting_pages import audited, seen
from tests.world import World
from webapp.catcher.box import Box
from webapp.store.bounces import Mailbox
from webapp.store.mailservers import MailServer, Sender

SECRET = "Zahlstraße-geheim-3"
RECIPIENT = "a@customers.test"


@pytest.fixture
def admin(log_in: LogIn, world: World) -> Browser:
    return log_in("admin")


@pytest.fixture
def url(world: World) -> str:
    with world.runtime.database.reading() as session:
        return f"/servers/{session.scalars(select(MailServer.id)).one()}"


def stored(world: World) -> MailServer:
    with world.runtime.database.reading() as session:
        return session.scalars(select(MailServer)).one()


def keep_password(admin: Browser, world: World, url: str) -> None:
    """Have the server log in, with a password that is stored."""
    world.server.auth = f"mailrun:{SECRET}"
    typed = {**filled(admin, url), "username": "mailrun", "password": SECRET}
    answer = admin.press(url, seen=seen(admin, url), **{**typed, "password_env": ""})
    assert answer.status_code == 303, text_of(answer)
    assert stored(world).password


def test_what_is_typed_is_checked_and_not_saved(admin: Browser, world: World, url: str) -> None:
    typed, before = filled(admin, url), stored(world)
    answer = admin.press(f"{url}/check", **{**typed, "port": "1"}, recipient=RECIPIENT, htmx=True)
    assert "Nothing listens at" in text_of(answer)
    assert "<html" not in answer.text
    assert stored(world).port == before.port
    assert audited(world)[-1].startswith(f"check connection mail server {before.name}: not saved, ")
    admin.press(f"{url}/check", **typed, recipient=RECIPIENT, htmx=True)
    assert audited(world)[-1] == f"check connection mail server {before.name}: the connection works"


def test_without_javascript_the_page_keeps_what_was_typed(admin: Browser, world: World, url: str) -> None:
    typed = {**filled(admin, url), "rate_per_minute": "77", "password": SECRET, "username": "x"}
    answer = admin.press(f"{url}/check", **typed, recipient=RECIPIENT)
    assert 'value="77"' in answer.text
    assert SECRET not in answer.text
    assert "Enter it again before you save." in text_of(answer)
    assert stored(world).rate_per_minute != 77


def test_loading_the_answer_again_sends_no_second_mail(admin: Browser, world: World, url: str) -> None:
    typed = {**filled(admin, url), **admin.keys, "recipient": RECIPIENT, "send": "1"}
    assert "The server took the test mail." in text_of(admin.press(f"{url}/check", **typed))
    again = admin.press(f"{url}/check", **typed)
    assert (again.status_code, again.headers["Location"]) == (303, url)
    assert "Nothing was done a second time." in text_of(admin.look(url))
    assert len(world.server.taken) == 1


@pytest.mark.security("C18")
def test_f_a_stored_password_goes_nowhere_else(admin: Browser, world: World, url: str) -> None:
    keep_password(admin, world, url)
    typed = {**filled(admin, url), "password": "", "recipient": ""}
    assert "The connection works." in text_of(admin.press(f"{url}/check", **typed, htmx=True))
    assert world.server.logins == ["mailrun"]
    other = Relay(auth=f"mailrun:{SECRET}")
    other.start()
    try:
        for elsewhere in ({"port": str(other.port)}, {"host": "127.0.0.2"}, {"username": "another"}):
            answer = admin.press(f"{url}/check", **{**typed, **elsewhere}, htmx=True)
            assert answer.status_code == 422
            assert "Enter the password again" in text_of(answer)
        assert (other.logins, len(world.server.logins)) == ([], 1)
        again = {**typed, "port": str(other.port), "password": SECRET}
        assert "The connection works." in text_of(admin.press(f"{url}/check", **again, htmx=True))
        assert other.logins == ["mailrun"]
    finally:
        other.stop()
    assert SECRET not in "\n".join(audited(world))


@pytest.mark.security("C16")
def test_f_refused_destinations_are_not_checked(admin: Browser, world: World, url: str) -> None:
    host, port = next(iter(world.runtime.settings.own_services), ("169.254.169.254", 25))
    for elsewhere in ({"host": "169.254.169.254"}, {"host": host, "port": str(port)}, {"port": "x"}):
        answer = admin.press(f"{url}/check", **{**filled(admin, url), **elsewhere}, htmx=True)
        assert (answer.status_code, "Nothing was checked." in text_of(answer)) == (422, True)


def test_a_new_server_is_checked_before_it_is_added(admin: Browser, world: World, url: str) -> None:
    typed = {**filled(admin, "/servers/new"), "host": "127.0.0.1", "port": str(world.server.port)}
    typed = {**typed, "security": "none", "recipient": RECIPIENT}
    with world.runtime.database.reading() as session:
        before = session.scalar(select(func.count()).select_from(MailServer))
    assert "The connection works." in text_of(admin.press("/servers/new/check", **typed, htmx=True))
    assert "The connection works." in text_of(admin.press("/servers/new/check", **typed))
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(MailServer)) == before
    assert audited(world)[-1].startswith("check connection mail server 127.0.0.1: not saved, 127.0.0.1:")


def test_a_mailbox_is_checked_as_it_is_typed(admin: Browser, world: World, tmp_path: Path) -> None:
    path = make_maildir(tmp_path / "maildir")
    typed = {**filled(admin, "/mailboxes/new"), "kind": "maildir", "folder": str(path), "name": "Bounces"}
    assert "The connection works." in text_of(admin.press("/mailboxes/new/check", **typed, htmx=True))
    url = str(admin.press("/mailboxes/new", **typed).headers["Location"])
    wrong = {**filled(admin, url), "folder": str(path / "nowhere")}
    answer = admin.press(f"{url}/check", **wrong, htmx=True)
    assert "The mailbox cannot be read:" in text_of(answer)
    assert "<html" not in answer.text
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Mailbox.folder)).one() == str(path)


def test_a_domain_is_checked_as_it_is_typed(
    admin: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.runtime.database.reading() as session:
        url = f"/senders/{session.scalars(select(Sender.id)).one()}"
    typed = {**filled(admin, url), "address": "billing@typed.example", "envelope_sender": ""}
    with name_server({"typed.example": ["v=spf1 ip4:192.0.2.0/24 -all"]}) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        answer = admin.press(f"{url}/domain", **typed, selector="", htmx=True)
    assert "v=spf1 ip4:192.0.2.0/24 -all" in answer.text
    assert "<html" not in answer.text


def test_the_mail_catcher_of_this_machine_is_offered(admin: Browser, world: World) -> None:
    assert "preset=catcher" not in admin.look("/servers/new").text
    assert filled(admin, "/servers/new?preset=catcher")["host"] == ""
    with Box(world.runtime.settings.home / "caught").being_filled():
        assert 'href="/servers/new?preset=catcher">Mail catcher' in admin.look("/servers/new").text
        typed = filled(admin, "/servers/new?preset=catcher")
    port = str(world.runtime.settings.catcher_port)
    assert (typed["host"], typed["port"], typed["security"]) == ("127.0.0.1", port, "none")
