"""Uploads as rows: what a person does with one, and which of them a worker takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from webapp import audit, notation
from webapp.access import Viewer
from webapp.errors import NotFound, Refused
from webapp.intake.receiving import Received
from webapp.intake.set_folders import SetFolder
from webapp.intake.uploaded_files import UploadedTable
from webapp.queue import JobQueue
from webapp.store.database import after_commit
from webapp.store.statuses import ImportState
from webapp.store.types import now
from webapp.store.users import ImportSet
from webapp.store.workers import Worker
from webapp.translation import _

WORKING = (ImportState.CHECKING, ImportState.APPLYING)
NAMES_MAX = 200
"""Characters of what an upload is called."""


def for_importers() -> str:
    """Who may import, in words."""
    return _(
        "An import can change customers of any cluster, so only administrators and managers who see all "
        "clusters may import. Ask one of them."
    )


def folder_of(root: Path, row: ImportSet) -> SetFolder:
    """The folder of this upload."""
    return SetFolder(root / row.folder)


def create(
    session: Session, queue: JobQueue, viewer: Viewer, received: Received, tables: Iterable[UploadedTable]
) -> ImportSet:
    """Note the upload, and have a worker check it."""
    row = ImportSet(
        made_by=viewer.name,
        changed_by=viewer.name,
        language=notation.current().language,
        folder=received.into.path.name,
        source=names_in_short(received.names),
        size=received.size,
        state=ImportState.CHECKING,
        files=[table.as_json() for table in tables],
        documents={},
        summary={"documents": received.documents},
    )
    session.add(row)
    session.flush()
    audit.note(session, viewer.name, "upload", subject(row), row.source)
    enqueue(session, queue, row.id)
    return row


def names_in_short(names: Sequence[str]) -> str:
    """What an upload is called: its files, as many as fit, and … for the rest."""
    shown = ", ".join(names)
    if len(shown) <= NAMES_MAX:
        return shown
    within = shown[: NAMES_MAX - 2]
    return f"{within.rpartition(', ')[0]}, …" if ", " in within else f"{within}…"


def subject(row: ImportSet) -> str:
    """What the audit trail calls it."""
    return f"import {row.id}"


def enqueue(session: Session, queue: JobQueue, set_id: int) -> None:
    """Wake a worker once this is committed."""
    after_commit(session, lambda: queue.enqueue_import(set_id))


def found(session: Session, set_id: int, *, for_change: bool = False) -> ImportSet:
    """The upload. Raises NotFound."""
    row = session.get(ImportSet, set_id, with_for_update=for_change, populate_existing=for_change)
    if row is None:
        raise NotFound(_("There is no such import."))
    return row


def may_check(row: ImportSet) -> bool:
    """Whether it can be checked again."""
    return row.state not in (*WORKING, ImportState.APPLIED) and row.files_gone_at is None


def may_apply(row: ImportSet) -> bool:
    """Whether it can be applied: its last check found no error."""
    return may_check(row) and bool(row.summary.get("can_apply"))


def check_again(
    session: Session,
    queue: JobQueue,
    viewer: Viewer,
    set_id: int,
    tables: Iterable[UploadedTable],
    documents: dict[str, str],
) -> None:
    """Have a worker check the upload with these choices. Raises NotFound and Refused."""
    row = found(session, set_id, for_change=True)
    if not may_check(row):
        raise Refused(_busy(row))
    row.files, row.documents = [table.as_json() for table in tables], documents
    row.summary = {"documents": row.summary.get("documents", 0)}
    _begin(session, queue, viewer, row, ImportState.CHECKING)


def apply(session: Session, queue: JobQueue, viewer: Viewer, set_id: int, *, with_removals: bool) -> None:
    """Have a worker import what was checked. Raises NotFound and Refused."""
    row = found(session, set_id, for_change=True)
    if not may_apply(row):
        raise Refused(_busy(row))
    if row.summary.get("too_much_removed") and not with_removals:
        raise Refused(_("Tick that these addresses and documents may go, then press Apply again."))
    row.removals = int(row.summary.get("removed", 0))
    _begin(session, queue, viewer, row, ImportState.APPLYING)
    audit.note(session, viewer.name, "apply", subject(row), row.source)


def _begin(session: Session, queue: JobQueue, viewer: Viewer, row: ImportSet, state: ImportState) -> None:
    row.state, row.worker_id, row.problem = state, None, ""
    row.changed_at, row.changed_by = now(), viewer.name
    enqueue(session, queue, row.id)


def _busy(row: ImportSet) -> str:
    if row.state in WORKING:
        return _("A worker is busy with this import. Wait until it is done, or cancel it.")
    if row.state == ImportState.APPLIED:
        return _("This import is applied already. Upload the files again to import them once more.")
    if row.files_gone_at is not None:
        return _("The files of this import are deleted. Upload them again.")
    return _("The check has found errors. Correct them, then check again.")


def cancel_waiting(session: Session, viewer: Viewer, set_id: int) -> None:
    """Cancel an upload that no worker has taken yet. Raises NotFound and Refused."""
    row = found(session, set_id, for_change=True)
    if row.state not in WORKING:
        raise Refused(_("This import is not being worked on any more."))
    if row.worker_id is not None:
        raise Refused(_("A worker has just taken it. Press Cancel again."))
    row.state, row.changed_at, row.changed_by = ImportState.CANCELLED, now(), viewer.name
    audit.note(session, viewer.name, "import cancelled", subject(row), row.source)


def discard(session: Session, viewer: Viewer, root: Path, set_id: int) -> None:
    """Delete the files of an upload that is not to be applied. Raises NotFound and Refused."""
    row = found(session, set_id, for_change=True)
    if not may_check(row):
        raise Refused(_busy(row))
    row.state, row.problem = ImportState.CANCELLED, ""
    row.changed_at = row.files_gone_at = now()
    row.changed_by = viewer.name
    audit.note(session, viewer.name, "discard", subject(row), row.source)
    after_commit(session, folder_of(root, row).remove)


def due(session: Session) -> int | None:
    """The upload that a worker should take now; one at a time is worked on."""
    claimed = select(ImportSet.id).where(ImportSet.state.in_(WORKING), ImportSet.worker_id.is_not(None))
    if session.scalar(claimed.limit(1)) is not None:
        return None
    waiting = select(ImportSet.id).where(ImportSet.state.in_(WORKING), ImportSet.worker_id.is_(None))
    return session.scalar(waiting.order_by(ImportSet.changed_at, ImportSet.id).limit(1))


def claim(session: Session, worker_id: int, set_id: int) -> bool:
    """Take this upload for this worker; False if it, or any other, is taken already."""
    other = aliased(ImportSet)
    taken = exists().where(other.state.in_(WORKING), other.worker_id.is_not(None))
    claimed = session.execute(
        update(ImportSet)
        .where(ImportSet.id == set_id, ImportSet.state.in_(WORKING), ImportSet.worker_id.is_(None), ~taken)
        .values(worker_id=worker_id)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def lost(session: Session) -> Sequence[ImportSet]:
    """The uploads whose worker is gone, locked."""
    here = exists().where(
        Worker.id == ImportSet.worker_id, Worker.left_at.is_(None), Worker.lost_at.is_(None)
    )
    rows = select(ImportSet).where(ImportSet.state.in_(WORKING), ImportSet.worker_id.is_not(None), ~here)
    return session.scalars(rows.with_for_update()).all()


def waiting_before(session: Session, row: ImportSet) -> int:
    """How many other uploads a worker takes first, or works on."""
    earlier = or_(ImportSet.worker_id.is_not(None), ImportSet.changed_at < row.changed_at)
    return session.scalar(
        select(func.count()).where(ImportSet.state.in_(WORKING), ImportSet.id != row.id, earlier)
    ) or 0  # fmt: skip
