"""What the workers do about notices: find runs that wait long, make digests, mail, and forget what is old."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from webapp.extensions import Runtime
from webapp.lifecycle import run_notices
from webapp.notices import digests
from webapp.notices.handing_over import hand_over, is_due
from webapp.store.definitions import DefinitionVersion
from webapp.store.installation import Installation, held
from webapp.store.mailservers import MailServer
from webapp.store.notices import MailState, Notice
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.types import now

KEPT = timedelta(days=90)
"""How long a notice stays in the bell. What it tells of stays where it happened."""


def has_work(runtime: Runtime, at: datetime | None = None) -> bool:
    """Whether there is something to tell, to mail or to forget now."""
    at = at or now()
    with runtime.database.reading() as session:
        if held(session):
            return False
        is_waiting = bool(session.scalar(select(exists().where(is_due(at)))))
        return is_waiting or _has_old(session, at) or bool(digests.due(session, at) or waiting(session, at))


def work_off(runtime: Runtime, stopping: threading.Event, at: datetime | None = None) -> None:
    """Do all of it. Each event is told once, and each notice mailed at least once, whatever dies when and
    however many workers do this."""
    at = at or now()
    with runtime.database.reading() as session:
        if held(session):
            return
        long_waits = waiting(session, at)
        collected = digests.due(session, at)
        has_old = _has_old(session, at)
    for run_id, server_id in long_waits:
        with runtime.database.writing() as session:
            _tell_wait(session, run_id, server_id)
    for user, until in collected:
        with runtime.database.writing() as session:
            digests.collect(session, user, until)
    if has_old:
        with runtime.database.writing() as session:
            is_over = Notice.mail.not_in((MailState.WAITING, MailState.IN_DIGEST))
            session.execute(delete(Notice).where(Notice.made_at < at - KEPT, is_over))
    hand_over(runtime, stopping, at)


def waiting(session: Session, at: datetime) -> list[tuple[int, int]]:
    """The runs that have waited for their mail server for too long, each with that server, as far as a user
    is still to be told of this wait."""
    minutes = session.scalar(select(Installation.notice_minutes)) or 15
    since = at - timedelta(minutes=minutes)
    troubled = select(MailServer).where(MailServer.trouble.is_not(None), MailServer.trouble_since <= since)
    servers = {server.id: server for server in session.scalars(troubled)}
    if not servers:
        return []
    running = select(Run, DefinitionVersion.content).join(
        DefinitionVersion, DefinitionVersion.id == Run.version_id
    )
    found = []
    for run, content in session.execute(
        running.where(Run.status == RunStatus.RUNNING, Run.started_at <= since)
    ):
        server = servers.get(content["sender"]["mail_server_id"])
        if server is not None and run_notices.untold(session, run, server):
            found.append((run.id, server.id))
    return found


def _tell_wait(session: Session, run_id: int, server_id: int) -> None:
    """Tell of the wait, unless it has ended meanwhile."""
    run, server = session.get_one(Run, run_id), session.get_one(MailServer, server_id)
    if run.status == RunStatus.RUNNING and server.trouble is not None:
        run_notices.run_waits(session, run, server)


def _has_old(session: Session, at: datetime) -> bool:
    oldest = session.scalar(select(Notice.made_at).order_by(Notice.id).limit(1))
    return oldest is not None and oldest < at - KEPT
