"""F01 to F07: worker processes killed, frozen and told to leave at an exact moment of a message."""

from __future__ import annotations

import email
import email.policy
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import pyzipper
from sqlalchemy import select

from tests import factories
from tests.faults.accounts import accounted
from tests.faults.installation import Site, kill_at, numbered
from tests.faults.processes import children_of, lives
from tests.launch.launched import ROOT
from webapp.delivery import claims, recovery
from webapp.mailservers import connection_slots
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.mailservers import MailServer
from webapp.store.workers import Worker
from webapp.workers import WorkerProcess

FIRST, SECOND, THIRD = (f"{name}@customers.test" for name in ("first", "second", "third"))

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"])


def killed_at(site: Site, stage: str, address: str = SECOND) -> tuple[int, float]:
    """A run of three, over one connection, whose worker is killed when the second message gets to this
    stage. The run's id, and when the worker died (monotonic)."""
    site.over(max_connections=1)
    worker = site.start_worker()
    site.server.when(stage, address, kill_at(worker))
    run_id = site.send(FIRST, address, THIRD)
    assert worker.wait(30) == -signal.SIGKILL
    return run_id, time.monotonic()


def first_is_safe(site: Site, run_id: int) -> None:
    """The message before the killed one: `sent`, or `unconfirmed` if its 250 was less than 1 s ago."""
    status = site.result(run_id, FIRST).status
    assert status in ("sent", "unconfirmed")
    assert len(site.server.mails_to(FIRST)) == 1


@pytest.mark.parametrize("stage", ["rcpt", "body"])
def test_f01_killed_before_the_dot(site: Site, stage: str) -> None:
    """At RCPT, and in the middle of the body: tried again, one copy."""
    run_id, _ = killed_at(site, stage)
    assert site.server.mails_to(SECOND) == []
    site.start_worker()
    site.until_finished(run_id)
    first_is_safe(site, run_id)
    if stage == "rcpt":  # in the middle of the body the mark may have been made: the dot is the next byte
        assert site.result(run_id, SECOND).status == "sent"
    assert site.result(run_id, THIRD).status == "sent"
    accounted(site.world, run_id)


def test_f01_rows_of_the_dead_are_free_within_a_minute(site: Site) -> None:
    """R5 and R8: what the killed worker held is ready, deferred or unconfirmed soon after."""
    run_id, died = killed_at(site, "dot")
    site.start_worker()
    with site.world.runtime.database.reading() as session:
        dead = session.scalars(select(Worker.id).order_by(Worker.id)).first()
    site.until(lambda: all(result.worker_id != dead for result in site.world.results(run_id)))
    assert time.monotonic() - died < 60
    site.until_finished(run_id)
    accounted(site.world, run_id)


@pytest.mark.slow_fault
def test_f01_what_the_dead_had_asked_for_comes_through_afterwards(site: Site) -> None:
    """A killed worker's last statement may still be on its way to PostgreSQL when the sweep hears from the
    kernel that its process is gone; and one that was frozen may claim before its next beat tells it that it
    was declared lost. What is taken in this way must be free again soon, too."""
    runtime = site.world.runtime
    dead = WorkerProcess(runtime.database)
    site.over(max_connections=1)
    run_id = site.send(FIRST)
    with runtime.database.writing() as session:
        assert recovery.declare_lost(session, session.get_one(Worker, dead.id))
    with runtime.database.writing() as session:
        claims.claim(session, run_id, dead.id, 10)
        connection_slots.take(session, session.scalars(select(MailServer)).one(), dead.id, "token", 1)
    site.start_worker()
    site.until_finished(run_id, 15)
    assert accounted(site.world, run_id) == {"sent": 1}


@pytest.mark.parametrize(("address", "arrived"), [(SECOND, 1), ("cut-reject.second@customers.test", 0)])
def test_f02_killed_between_the_dot_and_its_250(site: Site, address: str, arrived: int) -> None:
    """`unconfirmed` with reason and time, whether the server took it or not; never sent again by itself."""
    run_id, _ = killed_at(site, "dot", address)
    site.start_worker()
    site.until_finished(run_id)
    result = site.result(run_id, address)
    assert (result.status, len(site.server.mails_to(address))) == ("unconfirmed", arrived)
    assert "lost after the whole message was handed over" in result.detail
    [attempt] = site.attempts(run_id, address)
    assert attempt.ended_at is not None
    first_is_safe(site, run_id)
    accounted(site.world, run_id)


def test_f03_killed_right_after_the_250(site: Site) -> None:
    """`sent` or `unconfirmed`; one copy."""
    run_id, _ = killed_at(site, "said")
    site.start_worker()
    site.until_finished(run_id)
    assert site.result(run_id, SECOND).status in ("sent", "unconfirmed")
    assert len(site.server.mails_to(SECOND)) == 1
    first_is_safe(site, run_id)
    accounted(site.world, run_id)


@pytest.mark.slow_fault
@pytest.mark.parametrize("stage", ["rcpt", "dot"])
@sqlite_only
def test_f04_the_parent_of_the_workers_killed_alone(site: Site, stage: str) -> None:
    """`mailrun worker -n 2` killed, its workers not: they finish, or the kernel ends them with it; one copy.

    No job runs in a child of an RQ worker here: the process that takes the job sends (jobs/worker.py). So the
    parent is the one that keeps the workers running."""
    command = [sys.executable, "-m", "webapp", "worker", "-n", "2"]
    parent = subprocess.Popen(command, env={**os.environ, **site.environ}, cwd=ROOT)
    site.until(lambda: site.rq.scard("rq:workers") == 2)
    site.server.when(stage, SECOND, kill_at(parent))
    run_id = site.send(FIRST, SECOND, THIRD)
    parent.wait(30)
    site.start_worker()
    site.until_finished(run_id)
    possible = {"rcpt": {"sent"}, "dot": {"sent", "unconfirmed"}}[stage]
    assert site.result(run_id, SECOND).status in possible
    assert len(site.server.mails_to(SECOND)) == 1
    accounted(site.world, run_id)


@sqlite_only
def test_f05_killed_while_rendering(site: Site, tmp_path: Path) -> None:
    """Tried again, one copy; no temporary file and no child is left."""
    slow = "{% for a in range(100) %}{% for b in range(60000) %}{% endfor %}{% endfor %}"
    with site.world.runtime.database.writing() as session:
        session.query(TemplateText).update({"source": f"{slow}<p>Invoice</p>"})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = files_in(site.home)
    worker = site.start_worker(TMPDIR=str(temporary))
    run_id = site.send(FIRST)
    site.until(lambda: site.result(run_id, FIRST).worker_id is not None)
    children = children_of(worker.pid)
    kill_at(worker)(None)
    assert site.server.heard["MAIL"] == 0, "the template is quicker than the kill"
    site.start_worker(TMPDIR=str(temporary))
    site.until_finished(run_id)
    site.until(lambda: not any(lives(child) for child in children))
    assert site.world.statuses(run_id) == ["sent"]
    assert files_in(temporary) == set()
    assert files_in(site.home) == before
    accounted(site.world, run_id)


@sqlite_only
def test_f05_killed_while_zipping_with_a_password(site: Site, tmp_path: Path) -> None:
    """Tried again, one copy, locked; no temporary file is left, and nothing that was packed for the mail that
    did not go."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with site.world.runtime.database.writing() as session:
        session.query(MessageDefinition).update({"zip": True, "password_key": "pin"})
    payer, invoice = site.world.add(FIRST, documents=False)
    with site.world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).extra = {"pin": "1234"}
        content = b"%PDF-1.4" + os.urandom(30_000_000)  # takes seconds to pack
        factories.document(session, site.world.runtime.documents, invoice, content=content)
    before = files_in(site.home)
    worker = site.start_worker(TMPDIR=str(temporary))
    run_id = site.world.run()
    site.world.start(run_id)
    site.until(lambda: site.result(run_id, FIRST).worker_id is not None)
    time.sleep(0.4)  # rendered by now
    kill_at(worker)(None)
    assert site.server.heard["MAIL"] == 0, "it packs more quickly than the kill comes"
    site.start_worker(TMPDIR=str(temporary))
    site.until_finished(run_id)
    assert site.world.statuses(run_id) == ["sent"]
    assert files_in(temporary) == set()
    assert files_in(site.home) == before
    [taken] = site.server.taken
    mail = email.message_from_bytes(taken.data, policy=email.policy.default)
    [archive] = [part.get_content() for part in mail.iter_attachments()]
    with pyzipper.AESZipFile(io.BytesIO(archive)) as opened:
        [inside] = opened.namelist()
        assert opened.read(inside, pwd=b"1234") == content
    accounted(site.world, run_id)


def files_in(folder: Path) -> set[str]:
    """Every file below, but for SQLite's own."""
    files = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return {file for file in files if ".sqlite3" not in file and "documents/" not in file}


def test_f07_told_to_leave_while_sending(site: Site) -> None:
    """SIGTERM: the current message ends, the process leaves within 30 s, what it held is free; one copy."""
    worker = site.start_worker()
    addresses = numbered(12)
    at_the_dot, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        at_the_dot.set()
        go_on.wait(20)

    site.server.when("dot", addresses[0], hold)
    run_id = site.send(*addresses)
    assert at_the_dot.wait(20)
    worker.send_signal(signal.SIGTERM)
    told = time.monotonic()
    go_on.set()
    assert worker.wait(30) == 0
    assert time.monotonic() - told < 30
    assert site.result(run_id, addresses[0]).status == "sent"
    assert all(result.worker_id is None for result in site.world.results(run_id))
    accounted(site.world, run_id)
    site.start_worker()
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 12}
