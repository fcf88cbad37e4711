"""Returned mails are let go of: after their time, and when a customer is erased."""

from __future__ import annotations

from datetime import timedelta

from tests.bounces.conftest import Returns
from tests.bounces.returned import block, report
from webapp.access import OPERATOR
from webapp.bounces import keeping
from webapp.privacy import erasing
from webapp.store.customers import Customer
from webapp.store.types import now
from webapp.workers import WorkerProcess

ANNA = "anna@customers.test"


def test_an_erased_customer_is_in_none(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    returns.receive(report(address, block(ANNA)))
    returns.receive(report("bounces@returns.test", block(ANNA)))
    returns.receive(report("bounces@returns.test", block("ben@customers.test")))
    with returns.world.runtime.database.writing() as session:
        customer = session.query(Customer).one()
        erasing.erase(session, OPERATOR, customer.code, customer.code)
    matched, guessed, other = returns.mails()
    for mail in (matched, guessed):
        assert (mail.raw, mail.recipient, mail.recipients, mail.sent_from) == (None, "", [], "")
        assert (mail.kind, mail.code) == ("bounce", "5.1.1")
    assert other.recipient == "ben@customers.test"
    assert returns.world.statuses(run_id) == ["bounced"]


def test_bytes_go_after_their_time_and_loose_mails_whole(returns: Returns, worker: WorkerProcess) -> None:
    _, address = returns.sent(worker)
    returns.receive(report(address, block(ANNA)))
    returns.receive(report("bounces@returns.test", block("ben@customers.test")))
    with returns.world.runtime.database.writing() as session:
        assert keeping.delete_raw(session, now() - timedelta(days=1)) == 0
        assert keeping.delete_raw(session, now()) == 2
        assert keeping.clear_loose(session, now()) == 1
    matched, loose = returns.mails()
    assert (matched.raw, matched.recipient) == (None, ANNA)
    assert (loose.raw, loose.recipient) == (None, "")
