"""A mailbox of a real Dovecot that takes tokens alone, read by Mailrun: by the token of an OAuth account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.oauth.accounts import account, stored
from tests.oauth.conftest import endpoint as endpoint
from tests.realmail.servers import RealMail, real_mail
from tests.token_endpoint import TokenEndpoint
from tests.world import World
from webapp.bounces.imap import ImapMailbox
from webapp.bounces.mailboxes import MailboxAddress, MailboxTrouble, address_of
from webapp.store.bounces import Mailbox


@pytest.fixture
def dovecot(endpoint: TokenEndpoint) -> Iterator[RealMail]:
    with real_mail(
        {"plain": ""}, mechanisms="xoauth2", introspection=f"{endpoint.url}/introspect"
    ) as running:
        yield running


@pytest.fixture
def address(world: World, dovecot: RealMail, endpoint: TokenEndpoint) -> MailboxAddress:
    runtime = world.runtime
    with runtime.database.writing() as session:
        given = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.imap, "security": "none"}
        account_id = account(session, endpoint).id
        mailbox = Mailbox(name="Bounces", username="reader", oauth_account_id=account_id, **given)
        session.add(mailbox)
        session.flush()
        return address_of(mailbox, runtime.settings, runtime.database)


def waiting(address: MailboxAddress) -> int:
    with closing(ImapMailbox(address)) as box:
        return box.count()


def test_it_is_read_by_a_token(address: MailboxAddress, endpoint: TokenEndpoint) -> None:
    assert waiting(address) == 0
    assert waiting(address) == 0
    assert len([one for one in endpoint.requests if one["path"] == "/token"]) == 1


def test_a_token_that_does_not_count_any_more_is_renewed(
    address: MailboxAddress, endpoint: TokenEndpoint
) -> None:
    assert waiting(address) == 0
    endpoint.expire_all()
    assert waiting(address) == 0
    assert len([one for one in endpoint.requests if one["path"] == "/token"]) == 2


def test_what_the_server_refuses_is_told_without_the_token(
    address: MailboxAddress, endpoint: TokenEndpoint
) -> None:
    endpoint.username = "someone-else"
    with pytest.raises(MailboxTrouble, match="it refuses the login of “reader”") as told:
        waiting(address)
    assert not any(secret in str(told.value) for secret in endpoint.secrets_given())


def test_a_revoked_account_is_the_mailboxs_trouble(
    address: MailboxAddress, endpoint: TokenEndpoint, world: World
) -> None:
    endpoint.revoke()
    with pytest.raises(MailboxTrouble, match="gives no token any more"):
        waiting(address)
    assert "revoked" in stored(world.runtime.database).error
