"""What would begin a new header, or cannot be shown, is refused at every form that a mail is made from."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.http_client import Browser, LogIn, fields
from tests.world import World
from webapp.definitions.versions import fields_of
from webapp.store.definitions import MessageDefinition
from webapp.store.mailservers import MailServer, Sender
from webapp.store.runs import Run

BREAKERS = ("\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")


def filled(world: World) -> dict[str, object]:
    with world.runtime.database.reading() as session:
        of = fields_of(session, session.get_one(MessageDefinition, world.definition.id))
    return {
        "name": "Reminder",
        "sender": of.sender_id,
        "recipient_key": of.recipient_key_id,
        "template": of.template_id,
        "subject": "Reminder",
        "transformations": list(of.transformations),
    }


def pressed(browser: Browser, page: str, url: str, given: dict[str, object]) -> int:
    browser.look(page)
    return browser.press(url, **given).status_code


@pytest.mark.security("C8")
@pytest.mark.parametrize("breaker", BREAKERS, ids=ascii)
def test_no_form_takes_what_breaks_a_header(log_in: LogIn, world: World, breaker: str) -> None:
    world.add()
    browser, evil = log_in("admin"), f"x{breaker}Bcc: thief@example.org"
    address = f"a@example.com{breaker}Bcc: thief@example.org"
    with world.runtime.database.reading() as session:
        server = session.scalars(select(MailServer.id)).first()
        before = (session.query(MessageDefinition).count(), session.query(Sender).count())
    for name, value in (("subject", evil), ("file_name", evil), ("name", evil), ("reply_to", address)):
        given = {**filled(world), name: value}
        assert pressed(browser, "/definitions/new", "/definitions", given) in (400, 422), name
    given = {**filled(world), "bcc": address}
    assert pressed(browser, "/definitions/new", "/definitions", given) in (400, 422), "bcc"
    sender = {"name": "dunning", "address": "d@example.com", "mail_server_id": server}
    for name in ("name", "display_name", "address", "reply_to", "envelope_sender"):
        given = {**sender, name: address if name not in ("name", "display_name") else evil}
        assert pressed(browser, "/senders/new", "/senders/new", given) in (400, 422), name
    for name in ("name", "bcc"):
        given = fields(world, **{name: evil if name == "name" else address})
        assert pressed(browser, "/runs/new", "/runs", given) in (400, 422), name
    with world.runtime.database.reading() as session:
        assert (session.query(MessageDefinition).count(), session.query(Sender).count()) == before
        assert session.query(Run).count() == 0
