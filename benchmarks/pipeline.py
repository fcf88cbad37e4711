"""One round of Mailrun's whole pipeline: real workers claim, render, build, reserve, send and record every
message of a run."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import dataset, meters
from benchmarks.base import Base
from benchmarks.installation import Site, site
from benchmarks.timing import Timed
from webapp.store.runs import Attempt, Result

WORK_SECONDS = 12.0


@dataclass(frozen=True)
class Round:
    """`timed` is from Start to the run's end, with the CPU time of the workers and their children: that of
    `renderers` is part of it, that of `server` (the database) is not. `memory`: megabytes of the largest
    worker at the beginning, at most, and at the end. `cold`: seconds of a first run, WARM_UP messages
    long."""

    timed: Timed
    renderers: float
    server: float
    memory: tuple[float, float, float]
    cold: float


def measure(base: Base, port: int, workers: int, connections: int, profile_to: Path | None = None) -> Round:
    """A run over everything, by this number of warm workers, over this number of connections together."""
    with site(base, port, connections, profile_to) as installed:
        warm, run_id = (
            installed.make_run(installed.choice(cluster)) for cluster in (dataset.WARM, dataset.ROOT)
        )
        installed.start_workers(workers)
        installed.start(warm)
        cold = installed.finish(warm)
        seen = [meters.megabytes(installed.pids)]
        cpu, server = meters.cpu(installed.pids), base.server_cpu()
        installed.start(run_id)
        seconds = installed.finish(run_id, lambda: seen.append(meters.megabytes(installed.pids)))
        used, server = meters.cpu(installed.pids) - cpu, base.server_cpu() - server
        seen.append(meters.megabytes(installed.pids))
        messages = sent_once(installed, run_id)
    memory = (seen[0], max(seen), seen[-1])
    return Round(Timed(messages, seconds, used.total), used.children, server, memory, cold)


def sent_once(installed: Site, run_id: int) -> int:
    """How many messages the run sent. Raises RuntimeError unless that is all of them, each at its first try:
    a rate of anything else would mean nothing."""
    with installed.runtime.database.reading() as session:
        statuses = Counter(
            dict(
                session.execute(
                    select(Result.status, func.count()).where(Result.run_id == run_id).group_by(Result.status)
                ).all()
            )
        )
        tries = session.scalar(select(func.count()).where(Attempt.run_id == run_id))
    if set(statuses) != {"sent"} or tries != statuses["sent"]:
        raise RuntimeError(f"not every message was sent at its first try: {dict(statuses)}, {tries} tries")
    return statuses["sent"]


def memory_at_work(site: Site, run_id: int) -> float:
    """Megabytes of a worker that has sent a few thousand messages of this run, which is then stopped."""
    site.start_workers(1)
    site.start(run_id)
    time.sleep(WORK_SECONDS)
    used = meters.megabytes(site.pids)
    site.stop(run_id)
    site.stop_workers()
    return used
