"""A worker without Redis tells it once."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from jobs import worker as worker_process
from webapp.extensions import Runtime
from webapp.workers import WorkerProcess


def test_b10_an_outage_of_redis_is_one_line_of_the_log(
    runtime: Runtime, worker: WorkerProcess, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(runtime, settings=replace(runtime.settings, redis_url="redis://127.0.0.1:1/0"))
    worker.stopping.set()
    outage = worker_process.Outage()
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            worker_process._take_jobs(away, worker, outage)
        assert [record.getMessage().partition(" (")[0] for record in caplog.records] == ["Redis is away"]
        outage.end()
        worker_process._take_jobs(away, worker, outage)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]
