"""Readers of a mailbox that are killed with signal 9 at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import func, select, update

from tests.world import World
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.users import AuditEntry

ROOT = Path(__file__).parent.parent.parent
READER = """
import os, sys, threading, time
from tests.runtimes import open_runtime
from webapp import config
from webapp.bounces import reading
for _ in sys.stdin:
    if pid := os.fork():
        os.waitpid(pid, 0)
        print("gone", flush=True)
        continue
    runtime = open_runtime(config.load())
    print(os.getpid(), flush=True)
    while True:
        reading.read(runtime, int(sys.argv[1]), threading.Event())
        time.sleep(0.01)
"""
"""Forks a reader for each line that it gets: a new process would take seconds to import what it needs."""


def kill_readers(
    world: World,
    environ: Mapping[str, str],
    mailbox_id: int,
    kills: int,
    waiting: Callable[[], int],
    seed: int = 20,
) -> int:
    """Have `kills` readers begin, one after the other, and kill each at random; return how many mails are
    left in the mailbox. `waiting` counts these.

    One in four is killed at once, the others after they stored one to three mails: by mails, not by time, so
    that a fast computer does not empty the mailbox before the last kill."""
    chance = random.Random(seed)
    command = [sys.executable, "-c", READER, str(mailbox_id)]
    env = {**os.environ, **environ, "PYTHONPATH": str(ROOT)}
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(command, cwd=ROOT, env=env, **piped) as forking:  # type: ignore[call-overload]
        for number in range(kills):
            before = waiting()
            forking.stdin.write("read\n")
            reader = int(forking.stdout.readline())
            end = time.monotonic() + 10
            goal = before - chance.randint(1, 3) if number % 4 else before
            while waiting() > goal and time.monotonic() < end:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.01))  # so that it dies at any step of the next mail
            os.kill(reader, signal.SIGKILL)
            assert forking.stdout.readline() == "gone\n"
            with world.runtime.database.writing() as session:  # the lease has ended
                session.execute(update(Mailbox).values(reading_until=None))
        forking.stdin.close()
    return waiting()


def stored_and_counted(world: World) -> tuple[int, int]:
    """How many returned mails are stored, and how often the audit trail says that a mail bounced."""
    with world.runtime.database.reading() as session:
        stored = session.scalars(select(func.count()).select_from(ReturnedMail)).one()
        return stored, session.scalars(select(func.count()).where(AuditEntry.action == "mail bounced")).one()
