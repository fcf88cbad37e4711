"""The only file in webapp that knows RQ. A job only names a run; the work to do is in the database.

A lost or duplicate job is harmless: the sweep enqueues again, and a surplus drain finds nothing to claim. So
enqueuing may fail silently when Redis is away; the pages say so, and the work continues later."""

from __future__ import annotations

import secrets
import time

from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from rq import Queue

from webapp.translation import N_

QUEUE = "mailrun"
DRAIN = "jobs.runs.drain"
GENERATE = "jobs.runs.make"
IMPORT = "jobs.imports.work"
JOB_SECONDS = 24 * 3600
PROBE_KEY_SECONDS = 5
DOES_NOT_ANSWER = N_("does not answer")
AWAY_SECONDS = 10.0
"""How long a Redis that did not answer is left alone: one that accepts connections and is silent costs each
caller seconds."""


class JobQueue:
    """Enqueues jobs for the workers. Without a Redis address it enqueues nothing: the workers then look for
    work by themselves."""

    def __init__(self, redis_url: str) -> None:
        self.redis = (
            Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2) if redis_url else None
        )
        self._away_until = 0.0

    def trouble(self) -> str:
        """Why no job can be enqueued now, in English, since the answer is kept for all readers; empty if one
        can. Redis may answer and take nothing, so this writes a key that lives for a moment."""
        if self.redis is None:
            return N_("no Redis is set")
        try:
            self.redis.set("mailrun:probe", 1, ex=PROBE_KEY_SECONDS)
        except ReadOnlyError:
            return N_("it is a read-only replica; set MAILRUN_REDIS_URL to the primary")
        except OutOfMemoryError:
            return N_("it is full; give it more memory (maxmemory), or empty it of what others keep there")
        except (AuthenticationError, NoPermissionError) as error:
            return f"it refuses the login ({error}); correct MAILRUN_REDIS_URL"
        except ResponseError as error:
            return f"it takes no jobs: {error}"
        except (RedisError, OSError):
            return DOES_NOT_ANSWER
        return ""

    def enqueue_drain(self, run_id: int) -> str:
        """Have a worker send what this run has ready. Returns the id of the job that now waits; empty if none
        could be enqueued."""
        return self._enqueue(DRAIN, run_id)

    def enqueue_generation(self, run_id: int) -> str:
        """Have a worker generate this run's results, before all other jobs: a person is waiting for them."""
        return self._enqueue(GENERATE, run_id, at_front=True)

    def enqueue_import(self, set_id: int) -> str:
        """Have a worker check or apply this upload, before other jobs: a person is waiting for it."""
        return self._enqueue(IMPORT, set_id, at_front=True)

    def _enqueue(self, job: str, run_id: int, *, at_front: bool = False) -> str:
        """At most one job of a kind waits per run: the sweeps of all workers enqueue all the time, and
        another run's job must not wait behind theirs."""
        if self.redis is None or time.monotonic() < self._away_until:
            return ""
        try:
            queue = Queue(QUEUE, connection=self.redis, serializer="json", default_timeout=JOB_SECONDS)
            kind = f"{job.rpartition('.')[2]}-{run_id}-"
            for waiting in queue.get_job_ids():
                if waiting.startswith(kind):
                    return waiting
            job_id = kind + secrets.token_hex(8)
            week = 7 * 24 * 3600
            queue.enqueue_call(
                job, (run_id,), result_ttl=0, failure_ttl=week, job_id=job_id, at_front=at_front
            )
        except (RedisError, OSError):
            self._away_until = time.monotonic() + AWAY_SECONDS
            return ""
        return job_id
