"""The jobs about runs. They only name a run; the work to do is in the database."""

from __future__ import annotations

from jobs import upkeep, worker
from webapp.delivery import drain as delivery_drain
from webapp.extensions import runtime


def drain(run_id: int) -> None:
    """Send what this run has ready, for a while."""
    delivery_drain.drain(runtime(), worker.this_process().worker, run_id)


def make(run_id: int) -> None:
    """Generate the results of a run that is being created.

    Done in a thread beside the jobs: a large run takes as long as a drain, and with few workers nothing would
    be sent meanwhile."""
    upkeep.make_beside(runtime(), worker.this_process().worker, run_id)
