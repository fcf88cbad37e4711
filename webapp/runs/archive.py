"""Old runs out of the way: an archived run is not in the list unless asked for, and otherwise unchanged."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.store.statuses import RunStatus
from webapp.store.types import now

MAY_ARCHIVE = (RunStatus.CREATED, RunStatus.STOPPED, RunStatus.FINISHED)


def archive(session: Session, run_id: int, viewer: Viewer) -> str:
    """Archive a run that is not running. Harmless when it is archived already. Raises Refused."""
    run = runs.lock_for_change(session, run_id, viewer)
    if run.status not in MAY_ARCHIVE:
        raise Refused("This run is still active. Stop it first, or wait until it has finished.")
    if run.archived_at is None:
        run.archived_at = now()
        audit.audit(session, viewer.name, "archive", run)
    return "Archived. It is under Archived in the list of runs."


def unarchive(session: Session, run_id: int, viewer: Viewer) -> str:
    """Return a run to the list. Harmless when it is there. Raises Refused."""
    run = runs.lock_for_change(session, run_id, viewer)
    if run.archived_at is not None:
        run.archived_at = None
        audit.audit(session, viewer.name, "unarchive", run)
    return "This run is in the list again."
