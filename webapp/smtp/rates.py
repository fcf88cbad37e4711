"""How many mails a minute: for a mail server, and for each recipient domain. Counted in Redis for all workers
together; without Redis each living worker takes its share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from webapp.queue import AWAY_SECONDS

SPREAD = 5
"""Seconds of a slice: a minute's mails go out in such slices, not all in its first second."""
SLICES = 60 // SPREAD


@dataclass(frozen=True)
class Counters:
    """What has gone out lately, for as long as this process lives: a minute is longer than a drain."""

    redis_url: str
    _away_until: list[float] = field(default_factory=lambda: [0.0])
    _tidy_at: list[float] = field(default_factory=lambda: [0.0])

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer lately: one that is silent would hold up every mail for seconds."""
        return time.monotonic() < self._away_until[0]

    def leave_alone(self) -> None:
        """Note that Redis did not answer."""
        self._away_until[0] = time.monotonic() + AWAY_SECONDS

    @cached_property
    def common(self) -> MovingWindowRateLimiter | None:
        """The counters of all workers, in Redis; None without one."""
        return MovingWindowRateLimiter(_storage(self.redis_url)) if self.redis_url else None

    @cached_property
    def _memory(self) -> MemoryStorage:
        return MemoryStorage()

    @cached_property
    def own(self) -> MovingWindowRateLimiter:
        """This process's counters."""
        return MovingWindowRateLimiter(self._memory)

    def tidy(self) -> None:
        """Once a minute, drop counters without recent mails: `limits` keeps everything it has ever counted,
        and scans it all after each mail."""
        if time.monotonic() < self._tidy_at[0]:
            return
        self._tidy_at[0] = time.monotonic() + 60
        for key, counted in list(self._memory.events.items()):
            if not counted:
                with self._memory.locks[key]:
                    if not self._memory.events.get(key):
                        self._memory.clear(key)


@dataclass(frozen=True)
class Rates:
    """The rates of one drain. `share`: the number of living workers, for when Redis is away."""

    counters: Counters
    share: int = 1

    def pause_before(self, server_id: int, per_minute: int) -> float:
        """Take one mail's place in the server's rate and return 0; or return the seconds after which to ask
        again."""
        return self._taken(f"server {server_id}", per_minute, spread=True)

    def pause_for_domain(self, server_id: int, domain: str, per_minute: int) -> float:
        """The same for a recipient's domain."""
        return self._taken(f"server {server_id} domain {domain}", per_minute, spread=False)

    def _taken(self, key: str, per_minute: int, *, spread: bool) -> float:
        if not per_minute:
            return 0.0
        if self.counters.common is not None and not self.counters.is_away:
            try:
                return _take(self.counters.common, key, per_minute, spread)
            except (RedisError, OSError):
                self.counters.leave_alone()
        self.counters.tidy()
        return _take(self.counters.own, key, per_minute, spread, max(1, self.share))


def _take(limiter: MovingWindowRateLimiter, key: str, per_minute: int, spread: bool, share: int = 1) -> float:
    """Every window must have room; the narrowest is asked first, so that nothing is counted in vain.

    A mail counts once per sharing worker in the minute's window, so that the count stays right when their
    number changes."""
    windows: list[tuple[RateLimitItem, int]] = [(RateLimitItemPerMinute(per_minute), min(share, per_minute))]
    if spread and per_minute // share >= SLICES:
        slice_ = RateLimitItemPerSecond(-(-per_minute // share // SLICES), SPREAD)
        windows.insert(0, (slice_, 1))
    for window, cost in windows:
        if not limiter.hit(window, key, cost=cost):
            reset = limiter.get_window_stats(window, key).reset_time
            return max(0.05, reset - time.time())
    return 0.0


def _storage(redis_url: str) -> Storage:
    url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
    return storage_from_string(url, socket_connect_timeout=2, socket_timeout=2)  # type: ignore[return-value]
