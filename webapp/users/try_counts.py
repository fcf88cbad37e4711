"""Counts tries to log in for all processes together: in the database, which every process has. What the
`limits` library counts in Redis would be gone with it, and Mailrun may run without one."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from limits.storage import Storage
from limits.storage.base import MovingWindowSupport
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import DBAPIError

from webapp.store import locks
from webapp.store.database import Database
from webapp.store.logins import LoginTry
from webapp.store.types import now

KEPT = timedelta(hours=2)
"""Longer than any limit looks back."""
FORGOTTEN_AT_ONCE = 500


class CountsInDatabase(Storage, MovingWindowSupport):
    """A moving window over the table `login_try`. Two processes that count for the same at the same moment
    take turns, so that a limit of five lets no sixth through."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return DBAPIError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` more for this key, unless that would be more than the limit."""
        counted_for = _hash(key)
        with self._database.writing() as session:
            locks.lock_login(session.connection(), counted_for)
            at = now()
            recent = (LoginTry.counted_for == counted_for, LoginTry.at > at - timedelta(seconds=expiry))
            before = session.scalar(select(func.count()).select_from(LoginTry).where(*recent)) or 0
            if before + amount > limit:
                return False
            rows = [{"counted_for": counted_for, "at": at}] * amount
            session.execute(insert(LoginTry), rows)
            # Rows that another process deletes now are skipped: to wait for it could be a deadlock.
            old = select(LoginTry.id).where(LoginTry.at < at - KEPT).limit(FORGOTTEN_AT_ONCE)
            session.execute(delete(LoginTry).where(LoginTry.id.in_(old.with_for_update(skip_locked=True))))
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest entry within the window was made (seconds since 1970), and how many there are."""
        at = now()
        recent = (LoginTry.counted_for == _hash(key), LoginTry.at > at - timedelta(seconds=expiry))
        with self._database.reading() as session:
            first, count = session.execute(select(func.min(LoginTry.at), func.count()).where(*recent)).one()
        return (first or at).timestamp(), count

    def clear(self, key: str) -> None:
        """Forget what was counted for this key."""
        with self._database.writing() as session:
            session.execute(delete(LoginTry).where(LoginTry.counted_for == _hash(key)))

    def check(self) -> bool:
        """Whether the database answers: what needs it finds out by itself."""
        return True

    def reset(self) -> int | None:
        """Forget everything."""
        with self._database.writing() as session:
            session.execute(delete(LoginTry))
        return None

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("there are only moving windows here")

    def get(self, key: str) -> int:
        raise NotImplementedError("there are only moving windows here")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("there are only moving windows here")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
