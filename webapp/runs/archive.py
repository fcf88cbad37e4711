"""Old runs out of the way: an archived run is not in the list unless asked for, and otherwise unchanged. One
run, or many at once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import Viewer, whole_runs
from webapp.errors import Refused
from webapp.lifecycle import approvals, runs
from webapp.store.statuses import RunStatus
from webapp.store.types import now
from webapp.translation import _

MAY_ARCHIVE = (RunStatus.CREATED, RunStatus.STOPPED, RunStatus.FINISHED)


def archive(session: Session, run_id: int, viewer: Viewer) -> str:
    """Archive a run that is not running; it waits for no approval and for no time any more. Harmless when it
    is archived already. Raises Refused."""
    run = runs.lock_for_change(session, run_id, viewer)
    if run.status not in MAY_ARCHIVE:
        raise Refused(_("This run is still active. Stop it first, or wait until it has finished."))
    if run.archived_at is None:
        run.archived_at, run.start_at = now(), None
        approvals.withdraw(session, run, viewer.name, "archived")
        audit.audit(session, viewer.name, "archive", run)
    return _("Archived. It is under Archived in the list of runs.")


def unarchive(session: Session, run_id: int, viewer: Viewer) -> str:
    """Return a run to the list. Harmless when it is there. Raises Refused."""
    run = runs.lock_for_change(session, run_id, viewer)
    if run.archived_at is not None:
        run.archived_at = None
        audit.audit(session, viewer.name, "unarchive", run)
    return _("This run is in the list again.")


def archive_each(session: Session, run_ids: Iterable[int], viewer: Viewer) -> int:
    """Archive those of these runs that can be, in the order of their ids, so that two people who do it at
    once do not wait for each other. Returns how many were archived. Raises Refused for a person who may
    only look."""
    return sum(_moved(session, id, viewer, to_archive=True) for id in _ours(session, run_ids, viewer))


def unarchive_each(session: Session, run_ids: Iterable[int], viewer: Viewer) -> int:
    """Return those of these runs to the list that are archived. Returns how many they were."""
    return sum(_moved(session, id, viewer, to_archive=False) for id in _ours(session, run_ids, viewer))


def _ours(session: Session, run_ids: Iterable[int], viewer: Viewer) -> list[int]:
    return sorted(whole_runs(session, viewer, list(run_ids)))


def _moved(session: Session, run_id: int, viewer: Viewer, *, to_archive: bool) -> bool:
    run = runs.lock_for_change(session, run_id, viewer)
    if to_archive == (run.archived_at is not None) or (to_archive and run.status not in MAY_ARCHIVE):
        return False
    (archive if to_archive else unarchive)(session, run_id, viewer)
    return True
