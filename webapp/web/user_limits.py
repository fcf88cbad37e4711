"""How often one person may do what costs others something: mails to themselves, large downloads."""

from __future__ import annotations

from flask import Flask, abort, current_app
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from webapp.translation import _
from webapp.web.access_control import viewer

TEST_MAILS = parse("10 per minute")
SEND_AGAIN = parse("30 per minute")


def init_app(app: Flask) -> None:
    """Begin to count; in this process, over a moving window."""
    app.extensions["user limits"] = MovingWindowRateLimiter(MemoryStorage())


def count(what: RateLimitItem, name: str) -> None:
    """Count what the person of this request does. Ends the request with 429 if it is too often."""
    limiter: MovingWindowRateLimiter = current_app.extensions["user limits"]
    if not limiter.hit(what, name, viewer().name):
        abort(
            429,
            _(
                "You have done this %(count)s times within a minute. Wait a minute, then try again.",
                count=what.amount,
            ),
        )
