"""Tries of logins, in the database: all processes and machines count together, and a restart forgets
none."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta

from limits.storage import MovingWindowSupport, Storage
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from webapp.store.database import Database
from webapp.store.factors import LoginTries
from webapp.store.types import now
from webapp.store.upsert import insert_into


class KeptTries(Storage, MovingWindowSupport):
    """A storage of the library `limits`, for moving windows. Not to be used within a writing transaction:
    each try is committed at once, whatever becomes of the login."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        """What this storage raises when it cannot be reached."""
        return DBAPIError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` tries, if no more than `limit` are then within the last `expiry` seconds; returns
        whether they are. Of two at once, the second waits for the first."""
        hashed, at = _hash(key), time.time()
        with self._database.writing() as session:
            new = {"key": hashed, "moments": [], "ends_at": now() + timedelta(seconds=expiry)}
            locking = insert_into(session, LoginTries).values(**new)
            session.execute(
                locking.on_conflict_do_update(index_elements=["key"], set_={"ends_at": new["ends_at"]})
            )
            kept = session.scalars(select(LoginTries.moments).where(LoginTries.key == hashed)).one()
            recent = [each for each in kept if each > at - expiry]
            if len(recent) + amount > limit:
                return False
            moments = [*recent, *[at] * amount]
            session.execute(update(LoginTries).where(LoginTries.key == hashed).values(moments=moments))
        self._forget_old()
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the window begins, and how many tries are in it."""
        at = time.time()
        with self._database.reading() as session:
            kept = session.scalar(select(LoginTries.moments).where(LoginTries.key == _hash(key))) or []
        recent = [each for each in kept if each > at - expiry][-limit:]
        return (recent[0] if recent else at), len(recent)

    def clear(self, key: str) -> None:
        """Forget the tries of this key."""
        with self._database.writing() as session:
            session.execute(delete(LoginTries).where(LoginTries.key == _hash(key)))

    def check(self) -> bool:
        """Whether the database answers."""
        with self._database.reading() as session:
            return session.scalar(select(1)) == 1

    def reset(self) -> int:
        """Forget all tries; returns of how many keys."""
        with self._database.writing() as session:
            return len(session.scalars(delete(LoginTries).returning(LoginTries.key)).all())

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """For windows that do not move, which are not kept here."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """For windows that do not move, which are not kept here."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """For windows that do not move, which are not kept here."""
        raise NotImplementedError

    def _forget_old(self) -> None:
        """Delete what says nothing any more, but for rows that another process counts in now."""
        with self._database.writing() as session:
            old = select(LoginTries.key).where(LoginTries.ends_at < now()).with_for_update(skip_locked=True)
            session.execute(delete(LoginTries).where(LoginTries.key.in_(old)))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
