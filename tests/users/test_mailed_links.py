"""An invitation by mail, over a real server, in the person's language; else the link is shown."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

from sqlalchemy import select

from tests.http_client import Browser, LogIn, text_of
from tests.users.test_user_pages import NEW, choose, link_in
from tests.world import World
from webapp.store.mailservers import Sender
from webapp.store.users import AuditEntry


def invite(admin: Browser, world: World, language: str = "en") -> str:
    """Invites Tom by mail, as an administrator whose browser asks for this language."""
    with world.runtime.database.reading() as session:
        sender = session.scalars(select(Sender.id)).first()
    admin.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    admin.look("/users/new")
    answer = admin.press("/users/new", **NEW, sender=sender)
    assert answer.status_code == 200
    return answer.text


def mailed(world: World) -> tuple[str, str]:
    """Subject and text of the one mail that the server took."""
    [taken] = world.server.taken
    assert taken.recipients == (NEW["email"],) or list(taken.recipients) == [NEW["email"]]
    mail = message_from_bytes(taken.data, policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["Subject"]), body.get_content()


def test_the_link_is_mailed_opens_and_is_not_on_screen(log_in: LogIn, world: World) -> None:
    admin = log_in("admin")
    page = invite(admin, world)
    assert "A mail with the link is on its way to tom@example.com." in page
    assert "token=" not in page
    subject, text = mailed(world)
    assert subject == "Your invitation to Mailrun"
    assert "within 72 hours" in text
    [link] = re.findall(r"http://localhost(/login/link\?token=[\w-]+)", text)
    assert choose(admin.client.application, link)[1] == 303
    with world.runtime.database.reading() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.detail)).all()
    assert any(action == "link mailed" for action, _ in entries)
    assert link.partition("token=")[2] not in str(entries)


def test_it_is_written_in_the_language_of_the_one_who_invites_until_the_person_has_one(
    log_in: LogIn, world: World
) -> None:
    invite(log_in("admin"), world, "nl-NL")
    subject, text = mailed(world)
    assert subject == "Uw uitnodiging voor Mailrun"
    assert "72 uur" in text


def test_where_it_cannot_be_mailed_the_link_is_shown_with_the_reason(log_in: LogIn, world: World) -> None:
    world.server.shut = "550 no"
    admin = log_in("admin")
    with world.runtime.database.reading() as session:
        sender = session.scalars(select(Sender.id)).first()
    admin.look("/users/new")
    answer = admin.press("/users/new", **NEW, sender=sender)
    assert "The link was not mailed: the mail server answered: 550" in text_of(answer)
    assert link_in(answer).startswith("/login/link?token=")


def test_without_a_sender_the_link_is_shown(log_in: LogIn, world: World) -> None:
    admin = log_in("admin")
    admin.look("/users/new")
    assert link_in(admin.press("/users/new", **NEW, sender=""))
    assert world.server.taken == []
