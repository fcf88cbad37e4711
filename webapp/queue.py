"""The only file in webapp that knows RQ. A job is a poke: "look at run 7". What there is to do stands in the
database.

A lost or doubled job does no harm: the sweep pokes again, and a surplus drain finds nothing to claim. So
enqueuing may fail silently when Redis is away; the pages say that the queue is away, and the work goes on
later."""

from __future__ import annotations

import secrets
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

QUEUE = "mailrun"
JOB_SECONDS = 24 * 3600
AWAY_SECONDS = 10.0
"""For so long a Redis that did not answer is left alone: one that takes connections and is silent costs
whoever asks it seconds, each time."""


class JobQueue:
    """Rings for the workers. Without a Redis address it never rings: the workers then look by themselves."""

    def __init__(self, redis_url: str) -> None:
        self.redis = (
            Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2) if redis_url else None
        )
        self._away_until = 0.0

    def is_reachable(self) -> bool:
        """Whether Redis is there right now."""
        try:
            return self.redis is not None and bool(self.redis.ping())
        except (RedisError, OSError):
            return False

    def enqueue_drain(self, run_id: int) -> str:
        """Asks some worker to send what this run has to send. The poke that waits for it now; empty if nobody
        could be asked."""
        return self._enqueue("jobs.runs.drain", run_id)

    def enqueue_generation(self, run_id: int) -> str:
        """The same for this run's results, which are to be made next: a person waits for them."""
        return self._enqueue("jobs.runs.make", run_id, at_front=True)

    def _enqueue(self, job: str, run_id: int, *, at_front: bool = False) -> str:
        """At most one poke of a kind waits for each run: the sweeps of all workers ring all the time, and
        another run's poke must not wait behind what they have to say of this one."""
        if self.redis is None or time.monotonic() < self._away_until:
            return ""
        try:
            queue = Queue(QUEUE, connection=self.redis, serializer="json", default_timeout=JOB_SECONDS)
            kind = f"{job.rpartition('.')[2]}-{run_id}-"
            for waiting in queue.get_job_ids():
                if waiting.startswith(kind):
                    return waiting
            poke = kind + secrets.token_hex(8)
            week = 7 * 24 * 3600
            queue.enqueue_call(job, (run_id,), result_ttl=0, failure_ttl=week, job_id=poke, at_front=at_front)
        except (RedisError, OSError):
            self._away_until = time.monotonic() + AWAY_SECONDS
            return ""
        return poke
