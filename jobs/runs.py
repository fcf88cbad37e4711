"""The jobs about runs. They carry ids only; what there is to do stands in the database."""

from __future__ import annotations

from jobs import upkeep, worker
from webapp.delivery import drain as delivery_drain


def drain(run_id: int) -> None:
    """Sends what this run has to send, for a while."""
    process = worker.this_process()
    delivery_drain.drain(process.runtime, process.worker, run_id)


def make(run_id: int) -> None:
    """Makes the results of a run that is being created: beside the jobs, since a large one takes as long as a
    drain, and with few workers nothing would be sent meanwhile."""
    process = worker.this_process()
    upkeep.make_beside(process.runtime, process.worker, run_id)
