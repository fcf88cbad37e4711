"""The connections to a mail server that all workers together may hold open: rows, each held by at most one
worker."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.store.dialects import insert_into
from webapp.store.mailservers import ConnectionSlot, MailServer


@dataclass(frozen=True)
class Slot:
    """A connection that this worker may open. `token` proves that it is still ours."""

    mail_server_id: int
    number: int
    token: str


def take(session: Session, server: MailServer, worker_id: int, token: str, at_most: int) -> list[Slot]:
    """Take up to `at_most` free connections of the server's `max_connections` for this worker; possibly
    none."""
    _have_rows(session, server)
    free = session.scalars(
        select(ConnectionSlot.number)
        .where(
            ConnectionSlot.mail_server_id == server.id,
            ConnectionSlot.number <= server.max_connections,
            ConnectionSlot.worker_id.is_(None),
        )
        .order_by(ConnectionSlot.number)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(ConnectionSlot)
        .where(ConnectionSlot.mail_server_id == server.id, ConnectionSlot.number.in_(free))
        .values(worker_id=worker_id, token=token)
    )
    return [Slot(server.id, number, token) for number in free]


def _have_rows(session: Session, server: MailServer) -> None:
    numbers = [
        {"mail_server_id": server.id, "number": number} for number in range(1, server.max_connections + 1)
    ]
    session.execute(insert_into(session, ConnectionSlot).on_conflict_do_nothing(), numbers)


def give_back(session: Session, token: str, *, in_doubt_of: MailServer | None = None) -> None:
    """Free the connections that were taken with this token, unless they have been freed already.

    `in_doubt_of`: the mail server, if taking them failed and the commit may still be under way. Without
    waiting for it, and for the rows that it may have inserted, PostgreSQL would see them as they were before,
    free, and leave them taken forever."""
    if in_doubt_of is not None:
        _have_rows(session, in_doubt_of)
        of_it = ConnectionSlot.mail_server_id == in_doubt_of.id
        locking = select(ConnectionSlot.number).where(of_it).order_by(ConnectionSlot.number)
        session.execute(locking.with_for_update())
    session.execute(
        update(ConnectionSlot).where(ConnectionSlot.token == token).values(worker_id=None, token=None)
    )


def free_all_of(session: Session, worker_id: int) -> None:
    """Free whatever a worker holds that is lost or has left."""
    session.execute(
        update(ConnectionSlot).where(ConnectionSlot.worker_id == worker_id).values(worker_id=None, token=None)
    )


def held(session: Session, server_id: int) -> int:
    """How many connections to this server are open, over all workers."""
    count = select(func.count()).where(
        ConnectionSlot.mail_server_id == server_id, ConnectionSlot.worker_id.is_not(None)
    )
    return session.scalar(count) or 0
