"""“Send a test mail” of a mail server, in the browser and on the command line."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from click.testing import Result
from sqlalchemy import select

from tests.http_client import Browser, LogIn, text_of
from tests.settings.filled import filled
from tests.world import World
from webapp import create_app
from webapp.settings.commands import server_commands
from webapp.settings.kinds import SERVERS
from webapp.store.mailservers import MailServer, Sender

RECIPIENT = "admin@elsewhere.test"


@pytest.fixture
def relay(world: World) -> MailServer:
    with world.runtime.database.reading() as session:
        return session.scalars(select(MailServer)).one()


@pytest.fixture
def on_page(log_in: LogIn, relay: MailServer) -> tuple[Browser, str]:
    """An administrator's browser, and the page of the server."""
    browser, url = log_in("admin"), f"{SERVERS.path}/{relay.id}"
    browser.look(url)
    return browser, url


def test_a_mail_goes_to_the_recipient_from_the_servers_first_sender(
    on_page: tuple[Browser, str], relay: MailServer, world: World
) -> None:
    browser, url = on_page
    text = text_of(browser.press(f"{url}/check", **filled(browser, url), recipient=RECIPIENT, send="1"))
    assert "The server took the test mail." in text
    assert "250" in text
    [taken] = world.server.taken
    with world.runtime.database.reading() as session:
        sender = session.scalars(select(Sender).order_by(Sender.key)).first()
    assert sender is not None
    mail = message_from_bytes(taken.data, policy=default)
    assert taken.recipients == (RECIPIENT,)
    assert (mail["To"], mail["Auto-Submitted"]) == (RECIPIENT, "auto-generated")
    assert sender.address in mail["From"]
    assert f"over the mail server “{relay.name}”" in " ".join(mail.get_content().split())


def test_a_check_sends_none(on_page: tuple[Browser, str], world: World) -> None:
    browser, url = on_page
    assert "The connection works." in text_of(
        browser.press(f"{url}/check", **filled(browser, url), recipient=RECIPIENT)
    )
    assert world.server.taken == []


def test_without_a_recipient_none_is_sent(on_page: tuple[Browser, str], world: World) -> None:
    browser, url = on_page
    answer = browser.press(f"{url}/check", **filled(browser, url), recipient="", send="1")
    assert answer.status_code == 422
    assert "recipient-bad" in answer.text
    assert world.server.taken == []


def test_what_the_server_has_against_it_is_told(on_page: tuple[Browser, str], world: World) -> None:
    browser, url = on_page
    text = text_of(
        browser.press(f"{url}/check", **filled(browser, url), recipient="data-554.x@elsewhere.test", send="1")
    )
    assert "The server refuses the test mail: 554" in text
    assert "took the test mail" not in text


def test_the_command_does_the_same(relay: MailServer, world: World) -> None:
    def check(*options: str) -> Result:
        commands = create_app(world.runtime.settings).test_cli_runner()
        return commands.invoke(server_commands, ["check", relay.name, *options])

    assert check("--test-mail").exit_code == 2
    sent = check("--send-to", RECIPIENT, "--test-mail")
    assert (sent.exit_code, "ok: the server took the test mail: 250" in sent.output) == (0, True)
    assert [taken.recipients for taken in world.server.taken] == [(RECIPIENT,)]
