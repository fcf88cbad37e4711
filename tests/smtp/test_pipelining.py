"""What is sent at once, and what waits for a reply (RFC 2920)."""

from __future__ import annotations

import pytest

from tests.mailserver import MailServer, mail_server
from tests.smtp.conversations import LETTER, conversation, patient, scripted, to
from webapp.smtp.envelope import Envelope
from webapp.smtp.outcomes import Accepted, Deferred, Offered, Rejected, ServerTrouble


def test_with_one_recipient_all_goes_at_once() -> None:
    """MAIL, RCPT and DATA in one round trip (RFC 2920): this server says nothing before it has heard DATA."""
    with patient(b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go on\r\n") as server:
        talk = conversation(server)
        assert talk.open() is None
        assert isinstance(talk.offer(to("a@x.test"), LETTER), Offered)


def test_with_several_recipients_the_envelope_goes_at_once() -> None:
    with patient(b"b@x.test>\r\n", b"250 ok\r\n550 no\r\n550 no\r\n250 reset\r\n") as server:
        talk = conversation(server)
        assert talk.open() is None
        assert isinstance(talk.offer(to("a@x.test", "b@x.test"), LETTER), Rejected)


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [
        (("reject-550.a@x.test",), Rejected),
        (("reject-450.a@x.test",), Deferred),
        (("reject-550.a@x.test", "reject-550.b@x.test"), Rejected),
        (("reject-550.a@x.test", "reject-450.b@x.test"), Deferred),
        (("fine@x.test", "reject-450.b@x.test"), Deferred),
        (("close-rcpt.a@x.test",), ServerTrouble),
    ],
)
def test_a_refused_envelope_sends_no_message(
    server: MailServer, addresses: tuple[str, ...], outcome: type
) -> None:
    talk = conversation(server)
    talk.open()
    assert isinstance(talk.offer(to(*addresses), LETTER), outcome)
    assert talk.open() is None
    assert isinstance(talk.offer(to("next@x.test"), LETTER), Offered)
    assert isinstance(talk.finish(), Accepted)
    assert [taken.recipients for taken in server.taken] == [("next@x.test",)]


def test_some_of_several_refused_for_good_are_told(server: MailServer) -> None:
    talk = conversation(server)
    talk.open()
    envelope = Envelope("billing@example.com", ("a@x.test", "reject-550.b@x.test"), ("reject-550.c@x.test",))
    offer = talk.offer(envelope, LETTER)
    assert isinstance(offer, Offered)
    assert set(offer.refused) == {"reject-550.b@x.test", "reject-550.c@x.test"}
    assert isinstance(talk.finish(), Accepted)
    assert server.taken[0].recipients == ("a@x.test",)


def test_data_waits_for_the_recipients_if_there_are_several() -> None:
    with mail_server() as server:
        talk = conversation(server)
        talk.open()
        talk.offer(Envelope("billing@example.com", ("reject-550.a@x.test",), ("copy@x.test",)), LETTER)
        assert server.heard["DATA"] == 0  # not to the Bcc alone
        talk.offer(to("reject-550.a@x.test"), LETTER)
        assert server.heard["DATA"] == 1  # pipelined with its only recipient, and answered 503 or left at 354
        assert server.taken == []


def test_a_354_without_recipients_is_left_by_leaving() -> None:
    """An empty message is never sent to get out of it."""
    replies = [b"220 hi\r\n", b"250-hi\r\n250 PIPELINING\r\n", b"250 ok\r\n550 no\r\n354 go on\r\n"]
    with scripted(replies, pause=0.0) as server:
        talk = conversation(server)
        assert talk.open() is None
        assert isinstance(talk.offer(to("a@x.test"), LETTER), Rejected)
        assert not talk.is_open
