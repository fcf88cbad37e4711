"""The job of an upload. It only names the upload; what there is to do with it is in the database."""

from __future__ import annotations

from jobs import upkeep, worker
from webapp.extensions import runtime


def work(set_id: int) -> None:
    """Check or apply an upload, in a thread beside the jobs: a large one takes minutes, and mails must go out
    meanwhile."""
    upkeep.import_beside(runtime(), worker.this_process().worker, set_id)
