"""What a returned mail does to the result that it is about."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from tests.bounces.conftest import Returns
from tests.bounces.returned import COMPLAINT, OLD_FORM, OUT_OF_OFFICE, REPLY, block, report, to
from webapp.access import OPERATOR
from webapp.bounces.applying import NotYet
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.runs import Result
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess

ANNA = "anna@customers.test"


def audited(returns: Returns, action: str) -> int:
    with returns.world.runtime.database.reading() as session:
        return session.scalars(select(func.count()).where(AuditEntry.action == action)).one()


def test_a_bounce_comes_back_on_its_result_once(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    assert address.startswith("bounces+")
    assert address.endswith("@returns.test")
    raw = report(address, block(ANNA))
    assert returns.receive(raw).effect == "bounced"
    assert not returns.receive(raw).is_new
    assert returns.world.statuses(run_id) == ["bounced"]
    [result], [mail] = returns.world.results(run_id), returns.mails()
    assert result.detail == "came back: no such mailbox (code 5.1.1): 550 5.1.1 User unknown"
    assert result.smtp_reply.startswith("250")
    assert (mail.result_id, mail.attempt_number, mail.matched_by) == (result.id, 1, "return_address")
    assert (mail.recipient, mail.code, mail.server) == (ANNA, "5.1.1", "mx2.customers.test")
    assert audited(returns, "mail bounced") == 1


def test_a_delay_is_a_note_and_a_failure_after_it_a_bounce(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    assert returns.receive(report(address, block(ANNA, "delayed", "4.2.2", "452 full"))).effect == "noted"
    assert returns.world.statuses(run_id) == ["sent"]
    assert returns.receive(report(address, block(ANNA, "failed", "4.2.2", "452 full"))).effect == "bounced"
    assert returns.world.statuses(run_id) == ["bounced"]
    assert [mail.kind for mail in returns.mails()] == ["delay", "bounce"]


@pytest.mark.parametrize("action", ["relayed", "delivered", "expanded"])
def test_what_arrived_changes_nothing(returns: Returns, worker: WorkerProcess, action: str) -> None:
    run_id, address = returns.sent(worker)
    received = returns.receive(report(address, block(ANNA, action, "2.0.0", "250 ok")))
    assert (received.state, received.effect) == ("counted", "")
    assert returns.world.statuses(run_id) == ["sent"]


def test_a_forged_bounce_changes_nothing_and_waits_with_a_guess(
    returns: Returns, worker: WorkerProcess
) -> None:
    run_id, _ = returns.sent(worker)
    [result] = returns.world.results(run_id)
    forged = report("bounces@returns.test", block(ANNA), message_id=result.message_id)
    assert returns.receive(forged).state == "unmatched"
    by_address = report("bounces+3f-1-aaaaaaaaaaaa@returns.test", block(ANNA))
    assert returns.receive(by_address).state == "unmatched"
    stranger = report("bounces@returns.test", block("someone@elsewhere.test"))
    assert returns.receive(stranger).state == "unmatched"
    assert returns.world.statuses(run_id) == ["sent"]
    guesses = [(mail.guess_result_id, mail.guess_ground) for mail in returns.mails()]
    assert guesses == [(result.id, "message_id"), (result.id, "address"), (None, "")]
    assert returns.world.results(run_id)[0].warning == ""


def test_answers_are_counted_or_shown_and_change_nothing(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    assert returns.receive(to(OUT_OF_OFFICE, address)).state == "counted"
    assert returns.receive(to(REPLY, address)).state == "unmatched"
    assert returns.world.statuses(run_id) == ["sent"]
    assert [mail.kind for mail in returns.mails()] == ["auto_reply", "reply"]
    assert returns.mails()[1].guess_ground == "return_address"


def test_a_bounce_of_an_old_form_counts(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    assert returns.receive(to(OLD_FORM, address)).effect == "bounced"
    assert "550 5.1.1 no such user" in returns.world.results(run_id)[0].detail


def test_a_copy_that_came_back_and_a_complaint_only_warn(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker, bcc=["archive@example.com"])
    assert returns.receive(report(address, block("archive@example.com"))).effect == "warned"
    complaint = COMPLAINT.format(return_path=address, message_id="<m@x>").encode()
    assert returns.receive(complaint).effect == "warned"
    assert returns.receive(complaint + b"\n").effect == "warned"
    assert returns.world.statuses(run_id) == ["sent"]
    copy, complained = returns.world.results(run_id)[0].warning.split("; ")
    assert copy.startswith("the copy to archive@example.com came back: no such mailbox")
    assert complained == "the recipient reported this mail as spam"


def test_one_of_two_addresses(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker, ANNA, "ben@customers.test")
    returns.receive(report(address, block("ben@customers.test", code="5.2.2", reply="552 full")))
    [result] = returns.world.results(run_id)
    assert result.status == "bounced"
    assert result.detail.startswith(
        "came back from ben@customers.test, one of 2 addresses: the mailbox is full"
    )


def test_a_late_bounce_of_an_earlier_mail_does_not_touch_the_next(
    returns: Returns, worker: WorkerProcess
) -> None:
    world = returns.world
    run_id, address = returns.sent(worker)
    [result] = world.results(run_id)
    with world.runtime.database.writing() as session:
        chosen = BulkSelection(run_id, (result.id,))
        resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=True)
    world.work(worker, run_id)
    assert world.server.taken[-1].sender != address
    assert returns.receive(report(address, block(ANNA))).effect == "noted"
    assert world.statuses(run_id) == ["sent"]
    assert returns.receive(report(world.server.taken[-1].sender, block(ANNA))).effect == "bounced"


def test_while_its_sending_is_not_committed_it_waits(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Result).values(status="sending", token="t"))
    with pytest.raises(NotYet):
        returns.receive(report(address, block(ANNA)))
    assert returns.mails() == []
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Result).values(status="sent", token=None))
    assert returns.receive(report(address, block(ANNA))).effect == "bounced"
    assert returns.world.statuses(run_id) == ["bounced"]


def test_what_comes_back_has_gone_out(returns: Returns, worker: WorkerProcess) -> None:
    world = returns.world
    world.server.orders[ANNA] = "cut-ack"
    run_id, address = returns.sent(worker)
    assert world.statuses(run_id) == ["unconfirmed"]
    assert returns.receive(report(address, block(ANNA))).effect == "bounced"
    assert world.statuses(run_id) == ["bounced"]


def test_a_removed_one_is_put_back_as_bounced(returns: Returns, worker: WorkerProcess) -> None:
    world = returns.world
    world.server.orders[ANNA] = "cut-ack"
    run_id, address = returns.sent(worker)
    selection = BulkSelection(run_id, (world.results(run_id)[0].id,))
    with world.runtime.database.writing() as session:
        actions.remove(session, selection, OPERATOR)
    returns.receive(report(address, block(ANNA)))
    assert world.statuses(run_id) == ["removed"]
    with world.runtime.database.writing() as session:
        actions.put_back(session, world.runtime.queue, selection, OPERATOR)
    assert world.statuses(run_id) == ["bounced"]


def test_reports_are_asked_for_only_where_they_are_offered(returns: Returns, worker: WorkerProcess) -> None:
    server = returns.world.server
    run_id, address = returns.sent(worker)
    assert (returns.world.statuses(run_id), server.asked) == (["sent"], [])
    server.dsn = True
    run_id, address = returns.sent(worker, "a=b@customers.test")
    token = address.partition("+")[2].partition("@")[0]
    assert {"RET=HDRS", f"ENVID={token}", "NOTIFY=FAILURE,DELAY"} <= set(server.asked)
    assert "ORCPT=rfc822;a+3Db@customers.test" in server.asked
    assert set(returns.world.statuses(run_id)) <= {"sent", "skipped"}
