"""The queue: what waits in a real Redis, and one that does not answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue

from webapp.queue import QUEUE, JobQueue
from webapp.smtp.rates import Counters, Rates


@pytest.fixture
def silent_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Takes connections, and says nothing."""
    path: Path = tmp_path_factory.mktemp("s") / "redis.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        yield f"unix://{path}"


def waiting(queue: JobQueue) -> list[str]:
    """The jobs that wait, the next one first."""
    assert queue.redis is not None
    jobs = Queue(QUEUE, connection=queue.redis, serializer="json").get_job_ids()
    return [job.rpartition("-")[0] for job in jobs]


def test_one_job_waits_for_each_run_however_often_it_is_enqueued(redis_url: str) -> None:
    one, other = JobQueue(redis_url), JobQueue(redis_url)
    for _ in range(100):
        assert one.enqueue_drain(7)
        assert other.enqueue_drain(7)
    assert other.enqueue_drain(77)
    assert waiting(one) == ["drain-7", "drain-77"]
    assert one.enqueue_generation(8)
    assert one.enqueue_generation(8)
    assert waiting(one) == ["make-8", "drain-7", "drain-77"]


def test_a_redis_that_is_silent_is_left_alone_for_a_while(silent_url: str) -> None:
    queue, rates = JobQueue(silent_url), Rates(Counters(silent_url))
    assert not queue.enqueue_drain(7)
    assert rates.pause_before(1, 1_000) == 0.0
    began = time.monotonic()
    for _ in range(20):
        assert not queue.enqueue_drain(7)
        rates.pause_before(1, 1_000)
    assert time.monotonic() - began < 1.0
