"""A mailbox by POP3: read, deleted there once it is stored, and again if the goodbye is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tests.bounces.conftest import Returns
from tests.bounces.pop3_server import PASSWORD, USER, pop3_server
from tests.bounces.returned import block, report
from webapp.bounces.pop3 import Pop3Mailbox
from webapp.mailservers import passwords
from webapp.store.bounces import Mailbox
from webapp.workers import WorkerProcess


def over(returns: Returns, port: int, password: str = PASSWORD) -> None:
    """Have the mailbox be the one at this port."""
    with returns.world.runtime.database.writing() as session:
        given = {"kind": "pop3", "host": "127.0.0.1", "port": port, "security": "none", "username": USER}
        session.execute(update(Mailbox).values(**given))
        mailbox = session.get_one(Mailbox, returns.mailbox_id, populate_existing=True)
        passwords.store(session, mailbox, password)


def test_it_is_read_and_emptied(
    returns: Returns, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, address = returns.sent(worker)
    raw = report(address, block("anna@customers.test")).replace(b"\n", b"\r\n")
    long = b"Subject: long\r\n\r\n" + b"x" * 5_000 + b"\r\n.dot\r\n"
    with pop3_server() as server:
        server.mails = [long, raw]
        over(returns, server.port)
        with monkeypatch.context() as patch:
            patch.setattr(Pop3Mailbox, "close", lambda self: self.client.close())  # the goodbye is lost
            counts = returns.read()
        assert counts is not None
        assert (counts.read, counts.bounced, counts.trouble) == (2, 1, "")
        assert len(server.mails) == 2
        counts = returns.read()
        assert counts is not None
        assert (counts.read, counts.known, server.mails) == (0, 2, [])
    assert returns.world.statuses(run_id) == ["bounced"]
    assert [mail.size for mail in returns.mails()] == [len(long), len(raw)]


def test_a_password_is_not_repeated(returns: Returns) -> None:
    with pop3_server() as server:
        over(returns, server.port, "not-this-one")
        counts = returns.read()
    assert counts is not None
    assert counts.trouble == "it refuses the login of “bounces”: -ERR not with ••••••••"
