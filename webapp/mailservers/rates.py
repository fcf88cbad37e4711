"""How many mails a minute: for a mail server, and for any one recipient domain. Counted in Redis for all
workers together; without Redis each living worker takes its share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

SPREAD = 5
"""Seconds: a minute's mails go out in slices of these, not all in its first second."""
SLICES = 60 // SPREAD


@dataclass
class Rates:
    """The counters of one drain. `share`: how many workers live, for when Redis is away."""

    redis_url: str
    share: int = 1
    _own: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))
    _common: MovingWindowRateLimiter | None = None

    def __post_init__(self) -> None:
        if self.redis_url:
            self._common = MovingWindowRateLimiter(_storage(self.redis_url))

    def pause_before(self, server_id: int, per_minute: int) -> float:
        """Takes one mail's place in the server's rate, and returns 0; or the seconds after which to ask
        again."""
        return self._taken(f"server {server_id}", per_minute, spread=True)

    def pause_for_domain(self, server_id: int, domain: str, per_minute: int) -> float:
        """The same for a recipient's domain."""
        return self._taken(f"server {server_id} domain {domain}", per_minute, spread=False)

    def _taken(self, key: str, per_minute: int, *, spread: bool) -> float:
        if not per_minute:
            return 0.0
        if self._common is not None:
            try:
                return _take(self._common, key, per_minute, spread)
            except (RedisError, OSError):
                pass
        return _take(self._own, key, max(1, per_minute // max(1, self.share)), spread)


def _take(limiter: MovingWindowRateLimiter, key: str, per_minute: int, spread: bool) -> float:
    """Every window must have room; the narrowest is asked first, so that nothing is counted in vain."""
    windows: list[RateLimitItem] = [RateLimitItemPerMinute(per_minute)]
    if spread and per_minute >= SLICES:
        windows.insert(0, RateLimitItemPerSecond(-(-per_minute // SLICES), SPREAD))
    for window in windows:
        if not limiter.hit(window, key):
            reset = limiter.get_window_stats(window, key).reset_time
            return max(0.05, reset - time.time())
    return 0.0


def _storage(redis_url: str) -> Storage:
    url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
    return storage_from_string(url, socket_connect_timeout=2)  # type: ignore[return-value]
