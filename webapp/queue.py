"""The only file in webapp that knows RQ. A job is a poke: "look at run 7". What there is to do stands in the
database.

A lost or doubled job does no harm: the sweep pokes again, and a surplus drain finds nothing to claim. So
enqueuing may fail silently when Redis is away; the pages say that the queue is away, and the work goes on
later."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

QUEUE = "mailrun"
JOB_SECONDS = 24 * 3600
ENOUGH = 64
"""With so many jobs waiting another poke would tell nobody anything new."""


class Bell:
    """Rings for the workers. Without a Redis address it never rings: the workers then look by themselves."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(redis_url, socket_connect_timeout=2) if redis_url else None

    def answers(self) -> bool:
        """Whether Redis is there right now."""
        try:
            return self.redis is not None and bool(self.redis.ping())
        except (RedisError, OSError):
            return False

    def drain(self, run_id: int) -> bool:
        """Asks some worker to send what this run has to send; False if nobody could be asked."""
        return self._enqueue("jobs.runs.drain", run_id)

    def make(self, run_id: int) -> bool:
        """Asks some worker to make this run's results; False if nobody could be asked."""
        return self._enqueue("jobs.runs.make", run_id)

    def _enqueue(self, job: str, run_id: int) -> bool:
        if self.redis is None:
            return False
        try:
            queue = Queue(QUEUE, connection=self.redis, serializer="json", default_timeout=JOB_SECONDS)
            if queue.count < ENOUGH:
                queue.enqueue(job, run_id, result_ttl=0, failure_ttl=7 * 24 * 3600)
        except (RedisError, OSError):
            return False
        return True
