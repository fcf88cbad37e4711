"""The page of bounces: who sees what, what a person decides, and mails that are shown and not believed."""

from __future__ import annotations

import pytest

from tests.bounces.conftest import Returns
from tests.bounces.returned import REPLY, block, report, to
from tests.http_client import LogIn, fields, text_of
from tests.world import World
from webapp.store.customers import Cluster, Customer
from webapp.store.invoices import Invoice
from webapp.workers import WorkerProcess

ANNA = "anna@customers.test"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def unmatched(returns: Returns, worker: WorkerProcess) -> int:
    """A run with a mail that was sent, and a bounce about it without a token; its run's id."""
    run_id, _ = returns.sent(worker)
    [result] = returns.world.results(run_id)
    returns.receive(report("bounces@returns.test", block(ANNA), message_id=result.message_id))
    return run_id


def test_a_person_says_yes(log_in: LogIn, returns: Returns, unmatched: int) -> None:
    manager = log_in("manager")
    shown = text_of(manager.look("/bounces"))
    assert "it quotes the Message-ID of this mail" in shown
    assert "no such mailbox (5.1.1)" in shown
    assert "Bounces 1" in shown
    [mail] = returns.mails()
    assert manager.press(f"/bounces/{mail.id}/match").status_code == 303
    assert returns.world.statuses(unmatched) == ["bounced"]
    [mail] = returns.mails()
    assert (mail.state, mail.matched_by, mail.decided_by) == ("matched", "person", "manager@example.com")
    manager.look("/bounces")
    manager.press(f"/bounces/{mail.id}/match")
    assert "Another person has decided" in text_of(manager.look("/bounces"))
    [result] = returns.world.results(unmatched)
    page = text_of(manager.look(f"/results/{result.id}"))
    assert "no such mailbox (code 5.1.1): 550 5.1.1 User unknown" in page
    assert "manager@example.com" in page
    assert "Final-Recipient: rfc822; anna@customers.test" in page


def test_a_person_says_no_or_names_the_invoice(
    log_in: LogIn, returns: Returns, worker: WorkerProcess
) -> None:
    run_id, _ = returns.sent(worker)
    manager = log_in("manager")
    for number in range(3):
        returns.receive(report("bounces@returns.test", block(f"x{number}@elsewhere.test")))
    first, second, _ = returns.mails()
    manager.look("/bounces")
    assert manager.press(f"/bounces/{first.id}/dismiss").status_code == 303
    manager.look(f"/bounces/{second.id}")
    manager.press(f"/bounces/{second.id}/match", named="no such invoice")
    assert "has gone out" in text_of(manager.look(f"/bounces/{second.id}"))
    assert returns.world.statuses(run_id) == ["sent"]
    [result] = returns.world.results(run_id)
    with returns.world.runtime.database.reading() as session:
        named = session.get_one(Invoice, result.lead_invoice_id).number
    manager.look(f"/bounces/{second.id}")
    manager.press(f"/bounces/{second.id}/match", named=named)
    assert returns.world.statuses(run_id) == ["bounced"]
    assert [mail.state for mail in returns.mails()] == ["dismissed", "matched", "unmatched"]


def test_who_sees_what(log_in: LogIn, returns: Returns, worker: WorkerProcess, unmatched: int) -> None:
    [waiting] = returns.mails()
    viewer, left = log_in("viewer"), log_in("manager", "left")
    assert "Confirm match" not in viewer.look("/bounces").text
    assert viewer.press(f"/bounces/{waiting.id}/match").status_code == 403
    assert f'href="/bounces/{waiting.id}"' not in left.look("/bounces").text
    assert left.look(f"/bounces/{waiting.id}").status_code == 404
    left.look("/bounces")
    left.press(f"/bounces/{waiting.id}/match")
    assert returns.world.statuses(unmatched) == ["sent"]
    _, address = returns.sent(worker, "ben@customers.test")
    returns.receive(report(address, block("ben@customers.test")))
    matched = returns.mails()[-1]
    assert left.look(f"/bounces/{matched.id}").status_code == 404
    with returns.world.runtime.database.writing() as session:
        home = session.query(Cluster).filter_by(tag_name="left").one()
        for payer in session.query(Customer):
            payer.cluster_id = home.id
    assert left.look(f"/bounces/{matched.id}").status_code == 200
    assert f'href="/bounces/{matched.id}"' in left.look("/bounces").text


def test_a_mail_is_shown_as_text(log_in: LogIn, returns: Returns) -> None:
    evil = to(REPLY, "bounces@returns.test").replace(b"Your mail said", EVIL.encode())
    returns.receive(evil.replace(b"Re: Invoice", b"Re: " + EVIL.encode()))
    [mail] = returns.mails()
    page = log_in("viewer").look(f"/bounces/{mail.id}")
    assert EVIL not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "a reply from a person" in text_of(page).lower()


def test_the_next_run_is_warned(log_in: LogIn, returns: Returns, worker: WorkerProcess, world: World) -> None:
    _, address = returns.sent(worker)
    returns.receive(report(address, block(ANNA)))
    manager = log_in("manager")
    asked = fields(world, resend="y")
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    assert "1 invoice goes to an address that the last mail came back from" in text_of(
        manager.look(f"/runs/new?{query}")
    )
    listed = text_of(manager.look(f"/runs/preview/list?{query}&show=bounced_before"))
    assert f"{ANNA} bounced on" in listed
    assert "no such mailbox (5.1.1)" in listed


def test_to_fix_offers_the_address_that_bounced(
    log_in: LogIn, returns: Returns, worker: WorkerProcess
) -> None:
    _, address = returns.sent(worker, ANNA, "ben@customers.test")
    returns.receive(report(address, block("ben@customers.test")))
    page = log_in("manager").look("/fix")
    assert 'value="ben@customers.test"' in page.text
    assert "no such mailbox (code 5.1.1)" in text_of(page)
