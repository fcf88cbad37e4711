"""The storm: workers killed with signal 9, at random stages of an SMTP conversation, while runs go on.

`make test-kills N=1000`, or `python -m tests.faults.kill_storm --kills 1000 [--database sqlite|postgresql]`.
Three workers send; the mail server kills the one whose conversation has got to the stage whose turn it is,
exactly there; a replacement is forked at once. Afterwards every mail is accounted for, against R1, R2, R4 and
R8. Exit status 1 if a figure does not hold.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from tests.faults.accounting import Report, looked_at, shown
from tests.faults.installation import Site, crowd, numbered
from tests.faults.processes import connected_to, owner_of, sockets_of
from tests.faults.spawn import Nursery
from tests.mailserver import STAGES, MailServer, mail_server
from tests.mailsession import Session
from tests.postgres import postgres_server
from tests.runtimes import open_database, open_runtime
from tests.world import make_world
from webapp import config, migrations
from webapp.store.mailservers import ConnectionSlot
from webapp.store.mailservers import MailServer as Row
from webapp.store.runs import Result
from webapp.store.statuses import OUTSTANDING
from webapp.store.workers import Worker

WORKERS = 3
CONNECTIONS = 6
BETWEEN = 20
"""Mails between two kills, if they come within a second."""
MAILS = 1_500
"""Mails of a run: the next is begun when it is over."""

ENVIRON = {
    "MAILRUN_LEASE": "10",
    "MAILRUN_SMTP_TIMEOUT": "20",
    "MAILRUN_SMTP_DATA_TIMEOUT": "20",
    "MAILRUN_TIME_SCALE": "600",
}


class Stalled(Exception):
    """Nothing goes out any more, though there is something to send."""


@dataclass
class Storm:
    """What was killed, where. `open_at_death`: worker process → how many connections it had then."""

    site: Site
    dice: random.Random
    stages: Counter[str] = field(default_factory=Counter)
    open_at_death: dict[int, int] = field(default_factory=dict)
    wanted: str = ""
    struck: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, stage: str, session: Session) -> None:
        """Called by the mail server at every stage of every message."""
        if stage != self.wanted:
            return
        with self._turn:
            if stage != self.wanted:
                return
            pids = {worker.pid: worker for worker in self.site.workers}
            pid = owner_of(session.peer[1], set(pids))
            if pid is None:
                return
            self.wanted = ""
            pids[pid].send_signal(signal.SIGSTOP)  # so that what is counted is what is killed
            self.open_at_death[pid] = len(sockets_of(pid) & connected_to(self.site.server.port))
            pids[pid].kill()
            self.stages[stage] += 1
            self.site.workers.remove(pids[pid])
        self.struck.set()

    def strike(self, run_id: int) -> bool:
        """Kills one worker at the next stage of the dice's choice. False if the run ended before."""
        self.struck.clear()
        self.wanted = self.dice.choice(STAGES)
        until = time.monotonic() + 60
        while not self.struck.wait(0.2):
            if self.site.world.status(run_id) == "finished":
                with self._turn:
                    self.wanted = ""  # or the next run's first mail would cost a worker that is not replaced
                if not self.struck.is_set():
                    return False
            if time.monotonic() > until:
                raise Stalled
        return True


def weather(site: Site, storm: Storm, kills: int, log: Path) -> tuple[int, int]:
    """Kills until it is enough, a run after the other; how many mails there were to send, and how many kills
    it came to."""
    mails, run_id = 0, 0
    storm.site.server.watch = storm.watch
    began = time.monotonic()
    told = 0
    while (done := storm.stages.total()) < kills:
        while len(site.workers) < WORKERS:
            site.start_worker()
        if not run_id or site.world.status(run_id) == "finished":
            crowd(site.world, numbered(MAILS, f"fine.{mails // MAILS}"))
            mails += MAILS
            run_id = site.world.run()
            site.world.start(run_id)
        until_more(site, BETWEEN)
        try:
            storm.strike(run_id)
        except Stalled:
            print(f"no mail has gone out for a minute after {done} kills: {held_by(site)}", file=sys.stderr)
            print(at_work_on(site, log), file=sys.stderr)
            break
        if done >= told + 50:
            told = done
            print(f"{done} kills, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    storm.wanted, site.server.delay = "", 0.0
    site.start_worker()
    with suppress(AssertionError):  # what is left then is counted as lost
        site.until_finished(run_id, 120)
    return mails, storm.stages.total()


def held_by(site: Site) -> str:
    """Who holds what is left, and the mail server's connections: for the log."""
    with site.world.runtime.database.reading() as session:
        of = select(Result.status, Worker.id, Worker.lost_at, func.count())
        left = of.outerjoin(Worker, Worker.id == Result.worker_id).where(Result.status.in_(OUTSTANDING))
        rows = session.execute(left.group_by(Result.status, Worker.id, Worker.lost_at)).all()
        slots = session.execute(select(ConnectionSlot.number, ConnectionSlot.worker_id)).all()
        servers = session.execute(select(Row.trouble, Row.next_try_at)).all()
    return f"results {rows}, connections {slots}, server {servers}"


def at_work_on(site: Site, log: Path) -> str:
    """What each thread of each living worker is at."""
    begun = log.stat().st_size
    for worker in site.workers:
        worker.send_signal(signal.SIGUSR1)
    time.sleep(1.0)
    states = [
        (worker.pid, Path(f"/proc/{worker.pid}/stat").read_text().split()[2]) for worker in site.workers
    ]
    return f"{states}\n" + log.read_text(errors="replace")[begun:]


def until_more(site: Site, mails: int) -> None:
    """Waits for this number of further mails, but not for long."""
    enough, until = len(site.server.taken) + mails, time.monotonic() + 1.0
    while len(site.server.taken) < enough and time.monotonic() < until:
        time.sleep(0.01)


@contextmanager
def storm_site(kind: str, folder: Path, server: MailServer, nursery: Nursery) -> Iterator[Site]:
    """An installation on this kind of database, in this folder, while the block lasts."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    environ = {**ENVIRON, "MAILRUN_HOME": str(home), "MAILRUN_REDIS_URL": f"unix://{folder / 'r.sock'}"}
    if kind == "sqlite":
        environ["MAILRUN_DATABASE_URL"] = f"sqlite:///{home / 'mailrun.sqlite3'}"
        migrations.upgrade(open_database(environ["MAILRUN_DATABASE_URL"]))
        with _opened(environ, folder, server, nursery) as site:
            yield site
        return
    (folder / "postgres").mkdir()
    with postgres_server(folder / "postgres") as postgres, postgres.fresh_database() as url:
        environ["MAILRUN_DATABASE_URL"] = url
        with _opened(environ, folder, server, nursery) as site:
            yield site


@contextmanager
def _opened(environ: dict[str, str], folder: Path, server: MailServer, nursery: Nursery) -> Iterator[Site]:
    runtime = open_runtime(config.load(environ))
    site = Site(make_world(runtime, server), environ, folder / "r.sock", nursery=nursery)
    site.over(max_connections=CONNECTIONS)
    site.start_redis()
    try:
        yield site
    finally:
        site.end()
        runtime.database.dispose()


def storm_on(kind: str, kills: int, seed: int) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="mailrun-storm-"))
    folder.chmod(0o755)
    nursery = Nursery(log=folder / "workers.log")
    try:
        with mail_server(delay=0.03) as server, storm_site(kind, folder, server, nursery) as site:
            storm = Storm(site, random.Random(seed))
            began = time.monotonic()
            mails, done = weather(site, storm, kills, folder / "workers.log")
            seconds = time.monotonic() - began
            print(f"{kind}: {dict(storm.stages)}", file=sys.stderr)
            return looked_at(site, storm.open_at_death, done, mails, seconds)
    finally:
        nursery.close()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--database", choices=["both", "sqlite", "postgresql"], default="both")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left behind
    kinds = ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]
    print(f"seed {chosen.seed}", file=sys.stderr)
    reports = {kind: storm_on(kind, chosen.kills // len(kinds), chosen.seed) for kind in kinds}
    held = [shown(kind, report) for kind, report in reports.items()]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
