"""What the sweep of each worker does for uploads: finds one to work on, gives back those of lost workers, and
deletes old files."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.extensions import Runtime
from webapp.intake import sets, work
from webapp.intake.set_folders import SetFolder
from webapp.store.statuses import ImportState
from webapp.store.types import now
from webapp.store.users import ImportSet
from webapp.translation import _

FILES_KEPT = timedelta(days=7)
"""How long the files of an upload are kept. Its row, the history, stays."""
ORPHANS_KEPT_SECONDS = 86_400.0
"""The same for a folder that no row names: its upload was refused, or broke off."""


def due(runtime: Runtime) -> int | None:
    """The upload that a worker should take now."""
    with runtime.database.reading() as session:
        has_lost = bool(sets.lost(session))
        waiting = sets.due(session)
    if has_lost:
        with runtime.database.writing() as session:
            release_lost(session)
    return waiting


def delete_old(runtime: Runtime) -> None:
    """Delete files past their time, and folders that no row names."""
    root = runtime.settings.import_folder
    old = select(ImportSet).where(
        ImportSet.made_at < now() - FILES_KEPT,
        ImportSet.files_gone_at.is_(None),
        ImportSet.worker_id.is_(None),
    )
    with runtime.database.reading() as session:
        is_any = session.scalar(old.limit(1)) is not None
        folders = set(session.scalars(select(ImportSet.folder).where(ImportSet.files_gone_at.is_(None))))
    if is_any:
        with runtime.database.writing() as session:
            for row in session.scalars(old).all():
                sets.folder_of(root, row).remove()
                row.files_gone_at = now()
    for path in root.iterdir() if root.is_dir() else ():
        if path.name not in folders and path.stat().st_mtime < time.time() - ORPHANS_KEPT_SECONDS:
            SetFolder(path).remove()


def release_lost(session: Session) -> None:
    """Give back the uploads whose worker is gone: whatever it was doing was rolled back."""
    for row in sets.lost(session):
        with work.in_language(row.language):
            words = _(
                "The worker that was busy with it ended. Nothing was stored. Check it again, or press Apply."
            )
        row.state, row.worker_id, row.problem, row.changed_at = ImportState.FAILED, None, words, now()
