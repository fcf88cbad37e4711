"""What a worker runs of what waits in the Redis (F2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Callback, Queue

from jobs import runs, worker
from jobs.run_job import RunJob
from webapp.extensions import Runtime
from webapp.queue import DRAIN, QUEUE, JobQueue
from webapp.workers import WorkerProcess

Work = Callable[[], None]


@pytest.fixture
def work(app: Flask, runtime: Runtime, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Runs what waits in the queue as a worker process does, until nothing waits."""
    monkeypatch.setattr(worker, "_process", worker.Process(app, WorkerProcess(runtime.database)))

    def until_empty() -> None:
        redis = Redis.from_url(redis_url)
        queue = Queue(QUEUE, connection=redis, serializer="json", job_class=RunJob)
        worker.RqWorker([queue], connection=redis, serializer="json").work(burst=True)

    return until_empty


@pytest.fixture
def drained(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    ran: list[object] = []
    monkeypatch.setattr(runs, "drain", ran.append)
    return ran


FORGED: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "another function": ("pathlib.Path.touch", ("FILE",), {}),
    "a shell command": ("os.system", ("touch FILE",), {}),
    "a text for the number": (DRAIN, ("FILE",), {}),
    "a truth for the number": (DRAIN, (True,), {}),
    "a named argument": (DRAIN, (), {"run_id": 7}),
    "two numbers": (DRAIN, (7, 8), {}),
    "another function of the module": ("jobs.runs.runtime", (7,), {}),
}


@pytest.mark.security("C19")
@pytest.mark.parametrize("which", FORGED)
def test_f2_nothing_but_a_known_job_is_run(
    work: Work, drained: list[object], redis_url: str, tmp_path: Path, which: str
) -> None:
    name, args, kwargs = FORGED[which]
    made = tmp_path / "made"
    args = tuple(arg.replace("FILE", str(made)) if isinstance(arg, str) else arg for arg in args)
    queue = Queue(QUEUE, connection=Redis.from_url(redis_url), serializer="json")
    queue.enqueue_call(name, args, kwargs)
    JobQueue(redis_url).enqueue_drain(9)
    work()
    assert not made.exists()
    assert drained == [9]


@pytest.mark.security("C19")
def test_f2_no_callback_is_run(work: Work, drained: list[object], redis_url: str) -> None:
    queue = Queue(QUEUE, connection=Redis.from_url(redis_url), serializer="json")
    queue.enqueue_call(
        DRAIN, (7,), on_success=Callback("builtins.exit"), on_failure=Callback("builtins.exit")
    )
    queue.enqueue_call("os.system", ("true",), on_failure=Callback("builtins.exit"))
    work()
    assert drained == [7]
