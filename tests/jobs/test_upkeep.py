"""What keeps a worker process up, when it breaks."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest

from jobs import worker
from webapp.extensions import Runtime
from webapp.workers import WorkerProcess


@pytest.mark.parametrize("is_leaving", [False, True])
def test_a_process_whose_upkeep_breaks_is_told_to_end(runtime: Runtime, is_leaving: bool) -> None:
    told = threading.Event()

    def tell(_: int, frame: FrameType | None) -> None:
        told.set()

    def broken(_: Runtime, worker: WorkerProcess) -> None:
        if is_leaving:
            worker.stopping.set()
        raise ZeroDivisionError

    before = signal.signal(signal.SIGTERM, tell)
    try:
        with pytest.raises(ZeroDivisionError):
            worker.keep_up(broken, runtime, WorkerProcess(runtime.database))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told.is_set() != is_leaving
