"""F37 to F43: what people do while mails go out, twice, fifty times, and in the middle of it."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from tests.faults.accounts import accounted
from tests.faults.installation import Site, kill_at, numbered
from tests.faults.test_kills import sqlite_only
from tests.faults.test_replies import there
from tests.http_client import Browser, text_of
from webapp.access import OPERATOR
from webapp.definitions.versions import fields_of
from webapp.lifecycle import runs
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.customers import CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.types import now
from webapp.store.users import AuditEntry


def test_f38_stop_while_sending(site: Site) -> None:
    """R7: after Stop has answered at most one message per connection reaches the server, within 5 s. Start
    goes on; one copy each."""
    site.server.delay = 0.05
    for _ in range(2):
        site.start_worker()
    run_id = site.send(*numbered(80))
    site.until(lambda: len(site.server.taken) >= 10)
    site.world.stop(run_id)
    stopped = time.monotonic()
    site.until(lambda: "sending" not in site.world.statuses(run_id))
    before = len(site.server.taken)
    time.sleep(1.0)  # nothing must happen now: there is no condition to wait for
    late = [taken.at - stopped for taken in site.server.taken if taken.at > stopped]
    assert len(site.server.taken) == before
    assert len(late) <= 4
    assert max(late, default=0) < 5
    accounted(site.world, run_id)
    site.world.start(run_id)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 80}


def test_f38_stop_and_kill(site: Site) -> None:
    """Stopped and killed at once: Start goes on, one copy each."""
    site.server.delay = 0.05
    workers = [site.start_worker(), site.start_worker()]
    run_id = site.send(*numbered(60))
    site.until(lambda: len(site.server.taken) >= 10)
    site.world.stop(run_id)
    for worker in workers:
        kill_at(worker)(None)
    site.start_worker()
    site.until(lambda: "sending" not in site.world.statuses(run_id))
    counts = accounted(site.world, run_id)
    assert counts["unconfirmed"] <= 4
    site.world.start(run_id)
    site.until_finished(run_id)
    assert set(accounted(site.world, run_id)) <= {"sent", "unconfirmed"}


@pytest.mark.security("C24")
def test_f39_fifty_starts_at_once(site: Site) -> None:
    """One effect; the others are told so."""
    site.start_worker()
    site.add(*numbered(10))
    run_id = site.world.run()
    gate = threading.Barrier(50)

    def press() -> str:
        gate.wait()
        return site.world.start(run_id)

    with ThreadPoolExecutor(50) as people:
        said = Counter(future.result() for future in [people.submit(press) for _ in range(50)])
    assert said.pop("Started.") == 1
    assert set(said) <= {
        "This run is already running.",
        "This run is already finished; there is nothing to send.",
    }
    with site.world.runtime.database.reading() as session:
        starts = select(func.count()).where(AuditEntry.action == "start")
        assert session.scalar(starts) == 1
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 10}


def sent_one(site: Site, order: str = "fine") -> tuple[int, str]:
    """A finished run of one mail; its id, and the address."""
    address = f"{order}.someone@customers.test"
    site.start_worker()
    run_id = site.send(address)
    site.until_finished(run_id)
    return run_id, address


def press_again(browser: Browser, run_id: int, result_id: int, keys: dict[str, str]) -> None:
    browser.keys = dict(keys)
    url = f"/runs/{run_id}/results/send-again"
    yes = {"asked": "1", "confirmed": "1", "as_of": now().isoformat()}
    assert browser.press(url, only=result_id, **yes).status_code == 303


def until_there(site: Site, address: str, n: int) -> None:
    site.until(lambda: there(site, address) >= n)


@pytest.mark.security("C24")
@sqlite_only
def test_f40_send_again_double_clicked(site: Site) -> None:
    """The form's key counts once: one more message, not two."""
    run_id, address = sent_one(site)
    browser = site.pages()
    result_id = site.result(run_id, address).id
    browser.look(f"/runs/{run_id}")
    keys = dict(browser.keys)
    press_again(browser, run_id, result_id, keys)
    until_there(site, address, 2)
    site.until_finished(run_id)
    press_again(browser, run_id, result_id, keys)
    assert "Nothing was done a second time" in text_of(browser.look(f"/runs/{run_id}"))
    assert site.world.status(run_id) == "finished"
    assert accounted(site.world, run_id, asked_again={address: 1}) == {"sent": 1}
    assert there(site, address) == 2


@pytest.mark.security("C24")
def test_f40_two_people_and_a_bulk_that_overlaps(site: Site) -> None:
    """Send again on one row and on all of them, at the same moment, by two people: one more message each."""
    site.start_worker()
    addresses = numbered(6)
    run_id = site.send(*addresses)
    site.until_finished(run_id)
    single = BulkSelection(run_id, (site.result(run_id, addresses[0]).id,))
    gate = threading.Barrier(2)

    def again(chosen: BulkSelection) -> int:
        gate.wait()
        with site.world.runtime.database.writing() as session:
            queue = site.world.runtime.queue
            return resend.send_again(session, queue, chosen, OPERATOR, confirmed=True).changed

    for worker in site.workers:  # nothing goes out until both have pressed
        kill_at(worker)(None)
    with ThreadPoolExecutor(2) as people:
        changed = list(people.map(again, (single, BulkSelection(run_id))))
    assert sum(changed) == 6
    site.start_worker()
    site.until_finished(run_id)
    assert accounted(site.world, run_id, asked_again=dict.fromkeys(addresses, 1)) == {"sent": 6}
    assert all(there(site, address) == 2 for address in addresses)


@pytest.mark.parametrize(("order", "status"), [("fine", "sent"), ("cut-ack", "unconfirmed")])
@sqlite_only
def test_f41_send_again_asks(site: Site, order: str, status: str) -> None:
    """Asks, names the risk, is audited; one more message."""
    run_id, address = sent_one(site, order)
    result = site.result(run_id, address)
    assert result.status == status
    browser = site.pages()
    browser.look(f"/runs/{run_id}")
    asked = browser.press(f"/runs/{run_id}/results/send-again", only=result.id)
    assert "may receive it twice" in text_of(asked)
    assert site.world.statuses(run_id) == [status]
    press_again(browser, run_id, result.id, browser.keys)
    until_there(site, address, 2)
    site.until_finished(run_id)
    assert accounted(site.world, run_id, asked_again={address: 1}) == {"sent": 1}
    assert there(site, address) == 2
    with site.world.runtime.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "send again")).one()
        assert (entry.actor, entry.subject) == ("marit.admin@example.com", f"run {run_id}")


@pytest.mark.parametrize("workers", [3, pytest.param(10, marks=pytest.mark.slow_fault)])
def test_f42_the_same_job_ten_times_and_many_workers(site: Site, workers: int) -> None:
    """One copy each."""
    site.server.delay = 0.02
    site.over(max_connections=10)
    for _ in range(workers):
        site.start_worker()
    site.until(lambda: site.rq.scard("rq:workers") == workers)
    run_id = site.send(*numbered(60))
    for _ in range(10):
        site.world.runtime.queue.enqueue_drain(run_id)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 60}


def test_f43_changes_while_sending(site: Site) -> None:
    """While the first mail is on the wire: its customer's address, the template and the definition change,
    and another result is removed. What is on its way, and what follows, uses the frozen copy; the removed one
    is not sent."""
    addresses = numbered(4)
    on_the_wire, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        on_the_wire.set()
        go_on.wait(20)

    site.over(max_connections=1)
    site.server.when("dot", addresses[0], hold)
    site.start_worker()
    run_id = site.send(*addresses)
    assert on_the_wire.wait(20)
    removed = site.result(run_id, addresses[2]).id
    with site.world.runtime.database.writing() as session:
        first = CustomerEmail.address == addresses[0]
        session.execute(update(CustomerEmail).where(first).values(address="other@customers.test"))
        done = actions.remove(session, BulkSelection(run_id, (removed,)), OPERATOR)
        assert done.changed == 1
    edit(site, "Not what was approved")
    go_on.set()
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 3, "removed": 1}
    arrived = [taken.recipients[0] for taken in site.server.taken]
    assert sorted(arrived) == sorted([addresses[0], addresses[1], addresses[3]])
    assert not [taken for taken in site.server.taken if b"Not what was approved" in taken.data]


def edit(site: Site, words: str) -> None:
    """An account manager gives the template and the definition these words, in the pages."""
    browser, definition = site.pages("manager"), site.world.definition
    template = f"/templates/{definition.template_id}"
    typed = {"name": "Another", "format": "html", "language": "", "source": f"<p>{words}</p>"}
    assert browser.press(template, **typed, seen=seen(browser, template)).status_code == 303
    with site.world.runtime.database.reading() as session:
        fields = fields_of(session, session.get_one(MessageDefinition, definition.id))
    filled = {
        "name": fields.name,
        "sender": fields.sender_id,
        "recipient_key": fields.recipient_key_id,
        "template": fields.template_id,
        "subject": words,
        "transformations": list(fields.transformations),
    }
    address = f"/definitions/{definition.id}"
    assert browser.press(address, **filled, seen=seen(browser, address)).status_code == 303


def seen(browser: Browser, address: str) -> str:
    """What the form at this address says that it was made on."""
    found = re.search(r'name="seen" value="(\w+)"', browser.look(address).text)
    assert found
    return found[1]


def test_f43_removed_before_it_is_on_its_way(site: Site) -> None:
    """Claimed, offered and just about to be marked, a result is removed: no dot goes out."""
    [address] = numbered(1)
    run_ids: list[int] = []

    def take_out(_: object) -> None:
        with site.world.runtime.database.writing() as session:
            actions.remove(session, BulkSelection(run_ids[0]), OPERATOR)

    site.server.when("rcpt", address, take_out)
    site.add(address)
    run_ids.append(site.world.run())
    site.world.start(run_ids[0])
    site.start_worker()
    site.until(lambda: site.world.statuses(run_ids[0]) == ["removed"])
    with site.world.runtime.database.writing() as session:
        runs.finish_if_done(session, run_ids[0])
    site.until_finished(run_ids[0])
    site.until(lambda: site.server.open_now == 0)
    assert site.server.taken == []
    accounted(site.world, run_ids[0])
