"""Limits login attempts, so that passwords cannot be guessed, and no one can lock another person out: the
guesser waits, the owner does not.

Attempts are counted per account and network address, and failures per address. A browser that this person
has logged in with before has a count of its own (web/devices.py)."""

from __future__ import annotations

from datetime import datetime

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from webapp import notation
from webapp.translation import _, ngettext

PER_ACCOUNT_AND_ADDRESS = parse("5 per 15 minutes")
PER_DEVICE = parse("10 per 15 minutes")
PER_ADDRESS = parse("30 per 15 minutes")
PER_ACCOUNT = parse("100 per 15 minutes")
"""From many addresses together; a known device is not counted here, nor stopped by it."""
CODES_PER_ACCOUNT = parse("20 per hour")
"""The same for codes of a second factor, which only a person with the password is asked for: 480 tries a day
at three codes of a million."""


class LoginThrottle:
    """A moving window, so no moment sets all counts back. Counted in `counts`, which may be of all processes
    (try_counts.py); without one, in this process."""

    def __init__(self, counts: Storage | None = None, per_account: RateLimitItem = PER_ACCOUNT) -> None:
        self._limiter = MovingWindowRateLimiter(counts or MemoryStorage())
        self._per_account = per_account

    def take(self, email: str, address: str, device: str = "") -> datetime | None:
        """Count an attempt with this email. None if it may be made, else the moment (UTC) of the next one.
        `device` is the id of a device that this person has logged in with; empty for an unknown one."""
        if device:
            return self._hit(PER_DEVICE, "device", email, device)
        if not self._limiter.test(PER_ADDRESS, "address", address):
            return self._next(PER_ADDRESS, "address", address)
        return self._hit(PER_ACCOUNT_AND_ADDRESS, "account", email, address) or self._hit(
            self._per_account, "account", email
        )

    def failed(self, email: str, address: str, device: str = "") -> int:
        """Count a failure against the address. Returns how many attempts are left."""
        if device:
            return self._left(PER_DEVICE, "device", email, device)
        self._limiter.hit(PER_ADDRESS, "address", address)
        return self._left(PER_ACCOUNT_AND_ADDRESS, "account", email, address)

    def wait_of(self, address: str) -> datetime | None:
        """The moment from which this address may go on; None if it has not failed too often. For ways in
        that have no account until they succeed."""
        if self._limiter.test(PER_ADDRESS, "address", address):
            return None
        return self._next(PER_ADDRESS, "address", address)

    def failed_from(self, address: str) -> None:
        """Count a failure against the address alone."""
        self._limiter.hit(PER_ADDRESS, "address", address)

    def succeeded(self, email: str, address: str, device: str = "") -> None:
        """Reset the count: the password was right."""
        self._limiter.clear(PER_ACCOUNT_AND_ADDRESS, "account", email, address)
        self._limiter.clear(PER_DEVICE, "device", email, device)

    def _hit(self, limit: RateLimitItem, *key: str) -> datetime | None:
        return None if self._limiter.hit(limit, *key) else self._next(limit, *key)

    def _left(self, limit: RateLimitItem, *key: str) -> int:
        return int(self._limiter.get_window_stats(limit, *key).remaining)

    def _next(self, limit: RateLimitItem, *key: str) -> datetime:
        return datetime.fromtimestamp(self._limiter.get_window_stats(limit, *key).reset_time).astimezone()


def attempts_left(tries: int) -> str:
    """How many attempts are left, as a sentence."""
    if not tries:
        return _("No tries left for 15 minutes.")
    return ngettext("%(num)s try left.", "%(num)s tries left.", tries)


def too_many(wait: datetime) -> str:
    """That there were too many attempts, and when the next is possible."""
    return _("Too many tries. Try again at %(time)s.", time=notation.clock(wait))
