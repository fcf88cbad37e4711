"""The jobs about runs. They carry ids only; what there is to do stands in the database."""

from __future__ import annotations

from jobs import worker
from webapp.runs import delivery, making


def drain(run_id: int) -> None:
    """Sends what this run has to send, for a while."""
    process = worker.this_process()
    delivery.drain(process.runtime, process.life, run_id)


def make(run_id: int) -> None:
    """Makes the results of a run that is being created."""
    process = worker.this_process()
    making.make(process.runtime, run_id)
