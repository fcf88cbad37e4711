"""A worker makes a run while it sends another."""

from __future__ import annotations

from threading import Event, enumerate

import pytest
from flask import Flask

from jobs import runs, worker
from webapp.extensions import Runtime
from webapp.new_run import generation
from webapp.workers import WorkerProcess


def test_jobs_do_not_wait_for_a_run_to_be_made(
    app: Flask, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And being told to make it again meanwhile begins nothing."""
    begun: list[tuple[int, bool]] = []
    whole = Event()

    def make(_: Runtime, run_id: int, __: object, *, gives_way: bool) -> None:
        begun.append((run_id, gives_way))
        whole.wait(20)

    monkeypatch.setattr(generation, "generate", make)
    monkeypatch.setattr(worker, "_process", worker.Process(app, WorkerProcess(runtime.database)))
    with app.app_context():
        for _ in range(3):
            runs.make(7)
    [maker] = [thread for thread in enumerate() if thread.name == "make 7"]
    whole.set()
    maker.join()
    assert begun == [(7, True)]
