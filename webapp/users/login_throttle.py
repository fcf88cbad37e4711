"""Limits login attempts per email and per address, so that passwords cannot be guessed."""

from __future__ import annotations

from datetime import datetime

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_EMAIL = parse("5 per 15 minutes")
PER_ADDRESS = parse("30 per 15 minutes")


class LoginThrottle:
    """Counted in this process; a moving window, so no moment sets all counts back."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, email: str, address: str) -> datetime | None:
        """Counts a try with this email. None if it may be made, else the moment (UTC) of the next one."""
        if not self._limiter.test(PER_ADDRESS, "address", address):
            return self._next(PER_ADDRESS, "address", address)
        if not self._limiter.hit(PER_EMAIL, "email", email):
            return self._next(PER_EMAIL, "email", email)
        return None

    def failed(self, email: str, address: str) -> int:
        """Counts a failure against the address. How many tries are left for the email."""
        self._limiter.hit(PER_ADDRESS, "address", address)
        return int(self._limiter.get_window_stats(PER_EMAIL, "email", email).remaining)

    def succeeded(self, email: str) -> None:
        """A correct password resets the count."""
        self._limiter.clear(PER_EMAIL, "email", email)

    def _next(self, limit: object, *key: str) -> datetime:
        stats = self._limiter.get_window_stats(limit, *key)  # type: ignore[arg-type]
        return datetime.fromtimestamp(stats.reset_time).astimezone()
