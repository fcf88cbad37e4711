"""F19 to F23, F25 to F30, F32 to F34: what the server answers, and where it breaks off."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from tests.faults.accounts import accounted
from tests.faults.installation import Site, numbered
from webapp.store.mailservers import ConnectionSlot
from webapp.store.types import now

FINE = "fine@customers.test"


def mishap(site: Site, order: str) -> tuple[int, str]:
    """A run of a mail that fares as ordered, and one that fares well, over; its id, and the address."""
    address = f"{order}.someone@customers.test"
    site.start_worker()
    run_id = site.send(address, FINE)
    site.until_finished(run_id)
    assert site.result(run_id, FINE).status == "sent"
    return run_id, address


def there(site: Site, address: str) -> int:
    return len(site.server.mails_to(address))


def test_f19_greylisted(site: Site) -> None:
    """`deferred`, and one copy once it is let in."""
    addresses = {code: f"reject-{code}-1.someone@customers.test" for code in (450, 451, 452)}
    site.start_worker()
    run_id = site.send(*addresses.values())
    site.until_finished(run_id)
    for code, address in addresses.items():
        assert site.outcomes(run_id, address) == ["deferred", "accepted"]
        assert site.attempts(run_id, address)[0].code == code
        assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 3}


@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "1"}], indirect=True)
def test_f19_a_deferred_mail_says_when_it_is_tried_again(site: Site) -> None:
    """After 300 s the first time (invariant 11)."""
    address = "reject-451.someone@customers.test"
    site.start_worker()
    run_id = site.send(address, FINE)
    result = site.until_status(run_id, address, "deferred")
    assert result.next_try_at is not None
    assert 290 < (result.next_try_at - now()).total_seconds() <= 300
    site.until_status(run_id, FINE, "sent")
    assert accounted(site.world, run_id) == {"sent": 1, "deferred": 1}


def test_f20_refused_for_good(site: Site) -> None:
    """`failed` with code and text, no second try, nothing there."""
    run_id, address = mishap(site, "reject-550")
    result = site.result(run_id, address)
    assert result.status == "failed"
    assert result.detail.startswith("550 ")
    assert "mailbox unavailable" in result.detail
    assert site.outcomes(run_id, address) == ["refused"]
    assert accounted(site.world, run_id) == {"sent": 1, "failed": 1}


def test_f21_one_bcc_refused(site: Site) -> None:
    """`sent`, with a warning that names the address; one copy."""
    site.start_worker()
    site.add(FINE)
    run_id = site.world.run(bcc=["reject-550.archive@example.com", "archive@example.com"])
    site.world.start(run_id)
    site.until_finished(run_id)
    result = site.result(run_id, FINE)
    assert result.status == "sent"
    assert "reject-550.archive@example.com was refused: 550" in result.warning
    [taken] = site.server.taken
    assert set(taken.recipients) == {FINE, "archive@example.com"}
    accounted(site.world, run_id)


def test_f22_to_refused_bcc_accepted(site: Site) -> None:
    """Not sent to the Bcc alone: `failed`, nothing there."""
    address = "reject-550.someone@customers.test"
    site.start_worker()
    site.add(address)
    run_id = site.world.run(bcc=["archive@example.com"])
    site.world.start(run_id)
    site.until_finished(run_id)
    assert site.result(run_id, address).status == "failed"
    assert site.server.taken == []
    assert site.server.begun == set()
    accounted(site.world, run_id)


@pytest.mark.parametrize("where", ["SIZE", "MAIL", "dot"])
def test_f23_too_large_for_the_server(site: Site, where: str) -> None:
    """`failed` with size and limit; when EHLO told the limit there is no DATA at all."""
    address = "data-552.someone@customers.test" if where == "dot" else FINE
    if where == "SIZE":
        site.server.max_size = 500
    elif where == "MAIL":
        site.server.mail_reply = "552 5.3.4 message size exceeds the limit of 500"
    site.start_worker()
    run_id = site.send(address)
    site.until_finished(run_id)
    result = site.result(run_id, address)
    assert result.status == "failed"
    assert "552" in result.detail
    if where == "SIZE":
        size, limit = [int(word) for word in result.detail.replace(",", "").split() if word.isdigit()][-2:]
        assert size > limit == 500
    if where != "dot":
        assert site.server.begun == set()
    assert accounted(site.world, run_id) == {"failed": 1}


def test_f25_refused_for_now_after_the_dot(site: Site) -> None:
    """`deferred`: nothing is there from that try, one copy from the next."""
    run_id, address = mishap(site, "data-451-1")
    assert site.outcomes(run_id, address) == ["deferred", "accepted"]
    assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 2}


def test_f26_refused_for_good_after_the_dot(site: Site) -> None:
    """`failed`, nothing there."""
    run_id, address = mishap(site, "data-554")
    assert site.result(run_id, address).detail.startswith("554 ")
    assert there(site, address) == 0
    assert accounted(site.world, run_id) == {"sent": 1, "failed": 1}


def test_f27_cut_in_the_middle_of_data(site: Site) -> None:
    """Tried again, one copy. A short message may have left whole before the cut was seen: then
    `unconfirmed`, and nothing there."""
    run_id, address = mishap(site, "cut-data")
    status = site.result(run_id, address).status
    assert (status, there(site, address)) in [("sent", 1), ("unconfirmed", 0)]
    accounted(site.world, run_id)


def test_f28_cut_after_the_dot_not_taken(site: Site) -> None:
    """`unconfirmed`, nothing there."""
    run_id, address = mishap(site, "cut-reject")
    assert there(site, address) == 0
    assert accounted(site.world, run_id) == {"sent": 1, "unconfirmed": 1}


def test_f29_cut_after_the_dot_taken(site: Site) -> None:
    """`unconfirmed`, one copy there."""
    run_id, address = mishap(site, "cut-ack")
    assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 1, "unconfirmed": 1}


def test_f30_reset_after_the_250(site: Site) -> None:
    """`sent`, one copy; the next message goes over another connection."""
    site.over(max_connections=1)
    run_id, address = mishap(site, "cut-said")
    assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 2}


@pytest.mark.parametrize("quits", ["reset", "hang"])
def test_f30_quit_is_reset_or_hangs(site: Site, quits: str) -> None:
    """`sent`, one copy, and the worker is free within 5 s."""
    site.over(max_connections=1)
    site.server.quits = quits
    run_id, _ = mishap(site, "fine")
    last = site.server.taken[-1].at

    def free() -> bool:
        with site.world.runtime.database.reading() as session:
            held = select(ConnectionSlot).where(ConnectionSlot.worker_id.is_not(None))
            return session.scalar(held) is None

    site.until(free)
    assert time.monotonic() - last < 5
    assert accounted(site.world, run_id) == {"sent": 2}


@pytest.mark.slow_fault
@pytest.mark.parametrize("waits", [{"MAILRUN_SMTP_DATA_TIMEOUT": "3"}], indirect=True, ids=["3 s"])
def test_f32_no_reply_to_the_dot(site: Site) -> None:
    """`unconfirmed` after the time-out (here 3 s), and not before."""
    address = "hang-6.someone@customers.test"
    site.start_worker()
    began = time.monotonic()
    run_id = site.send(address, FINE)
    site.until_status(run_id, address, "unconfirmed")
    assert time.monotonic() - began >= 3
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 1, "unconfirmed": 1}


def test_f33_a_late_reply_to_the_dot(site: Site) -> None:
    """`sent`."""
    run_id, address = mishap(site, "hang-2")
    assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 2}


SHORT = {"MAILRUN_SMTP_TIMEOUT": "1", "MAILRUN_SMTP_DATA_TIMEOUT": "1"}


@pytest.mark.parametrize("waits", [SHORT], indirect=True)
@pytest.mark.slow_fault
def test_f34_a_reply_byte_by_byte(site: Site) -> None:
    """Every reply is in time, byte by byte; the message as a whole is not. Its deadline holds (here 3 × 1 s
    for replies + 1 s for the data), it is tried again, and is one copy once the server is well."""
    many = [f"to.{number}@customers.test" for number in range(25)]
    site.start_worker()
    site.world.add(*many)
    run_id = site.world.run()
    site.server.drip = 0.04  # "250 ok" takes 0.3 s; 25 of them would take 8 s
    began = time.monotonic()
    site.world.start(run_id)
    site.until(lambda: site.world.results(run_id)[0].broken_connections > 0 or bool(site.problem(run_id)))
    assert time.monotonic() - began < 8
    assert site.server.taken == []
    site.server.drip = 0.0
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 1}


@pytest.mark.parametrize("waits", [SHORT], indirect=True)
@pytest.mark.slow_fault
def test_f34_a_greeting_byte_by_byte(site: Site) -> None:
    """A greeting that takes for ever is no message's fault: the run waits."""
    site.server.drip = 0.5
    site.start_worker()
    run_id = site.send(*numbered(2))
    assert "no reply in time" in site.until_waiting(run_id)
    assert accounted(site.world, run_id) == {"ready": 2}
    site.server.drip = 0.0
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 2}
