"""Workers killed with signal 9 around the hand-over: no notice is lost, and one that comes twice is one mail,
by its Message-ID."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import IO

from tests.launch.launched import ROOT
from tests.mailsession import Session
from tests.notices.conftest import Office
from webapp.store.types import now

KILLS = 20
INSIDE = ("claimed", "returned", "settling", "settled")
"""Where a worker kills itself: when the claim is committed; when the mail server's 250 was read; when it is
noted and not committed; and committed."""
STAGES = ("rcpt", "data", "body", "dot", "taken", "said")
"""Where the mail server kills it: tests/mailserver.py."""
ONCE_MORE = ("dot", "taken", "said", "returned", "settling")
"""The mail server takes the mail, and the database does not say so: it comes once more."""
WORK = """
import os, sys, threading
from datetime import datetime
from tests.runtimes import open_runtime
from webapp import config
from webapp.notices import handing_over, upkeep

def die(): os.kill(os.getpid(), 9)

def dying(function, before=False):
    def call(*args, **named):
        if before: die()
        answer = function(*args, **named)
        die()
        return answer
    return call

def work(at, point):
    if point in ("claimed", "returned"):
        handing_over.mail_user = dying(handing_over.mail_user, point == "claimed")
    if point == "settling":
        handing_over._settle = dying(handing_over._settle)
    if point == "settled":
        handing_over._mail = dying(handing_over._mail)
    upkeep.work_off(open_runtime(config.load()), threading.Event(), datetime.fromisoformat(at))

for line in sys.stdin:
    if not (pid := os.fork()):
        work(*line.split())
        os._exit(0)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""Forks a worker for each line: when, and where it dies. Tells its pid, and how it ended."""


def test_twenty_kills_lose_nothing_and_repeat_only_the_same_mail(
    office: Office, environ: dict[str, str]
) -> None:
    people = [f"person{n}@office.test" for n in range(KILLS)]
    for email in people:
        office.person(email)
        office.finished(email)
    server, at, points = office.world.server, now(), Counter[str]()
    with subprocess.Popen(
        [sys.executable, "-c", WORK],
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forks:
        for n in range(KILLS):
            point = (*INSIDE, *STAGES)[n % (len(INSIDE) + len(STAGES))]
            assert forks.stdin is not None
            assert forks.stdout is not None
            assert one_killed(office, forks.stdin, forks.stdout, at, point) == -signal.SIGKILL, point
            points[point] += 1
            at += timedelta(hours=1)
    office.work(at)
    ids = Counter(taken.message_id for taken in server.taken)
    repeated = sum(ids.values()) - len(ids)
    lost = set(people) - {taken.recipients[0] for taken in server.taken}
    print(f"{KILLS} kills: {len(ids)} of {KILLS} mailed, {len(lost)} lost, {repeated} repeated")
    assert lost == set()
    assert sorted(ids) == sorted(notice.message_id for notice in office.notices())
    assert {notice.mail for notice in office.notices()} == {"mailed"}
    once_more = sum(points[point] for point in ONCE_MORE)
    assert once_more <= repeated <= once_more + points["body"]  # the rest may have been on its way already


def one_killed(office: Office, orders: IO[str], told: IO[str], at: datetime, point: str) -> int:
    """Has a worker mail notices until it is killed there; returns how it ended."""
    pid, is_known = list[int](), threading.Event()
    office.world.server.watch = killer(pid, is_known, point)
    print(at.isoformat(), point, file=orders, flush=True)
    pid.append(int(told.readline()))
    is_known.set()
    ended = int(told.readline())
    office.world.server.watch = lambda stage, session: None
    return ended


def killer(pid: list[int], is_known: threading.Event, point: str) -> Callable[[str, Session], None]:
    """Kills the worker when its first mail gets to this stage of the conversation."""
    once = threading.Lock()

    def watch(stage: str, session: Session) -> None:
        if stage == point and once.acquire(blocking=False) and is_known.wait(20):
            os.kill(pid[0], signal.SIGKILL)

    return watch
