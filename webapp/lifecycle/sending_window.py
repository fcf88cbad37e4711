"""When a run may send: from "Start at" on, and until "Do not send after".

A run that waits for its time is `created` and has `start_at`; any worker's sweep starts it then. After
`send_until` no attempt starts (delivery/attempts.py), and the sweep skips what is left (scheduling.py)."""

from __future__ import annotations

from datetime import datetime

from webapp import notation
from webapp.errors import Refused
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.translation import _


def waits_for_its_time(run: Run) -> bool:
    """Whether the run is to start by itself later than now."""
    return run.start_at is not None and run.start_at > now()


def is_past(send_until: datetime | None) -> bool:
    """Whether nothing of a run may be sent any more after this moment."""
    return send_until is not None and send_until <= now()


def must_be_in_time(run: Run) -> None:
    """Raise Refused if nothing of this run may be sent any more."""
    if run.send_until is not None and is_past(run.send_until):
        words = _(
            "Nothing of this run is sent after %(time)s, and that has passed. Set a later time under “When "
            "it sends”, then do this again.",
            time=time_words(run.send_until),
        )
        raise Refused(words)


def check_window(start_at: datetime | None, send_until: datetime | None) -> None:
    """Raise Refused for times between which nothing can be sent."""
    if start_at is not None and start_at <= now():
        raise Refused(_("The time of the start has passed. Choose a later one, or start now."))
    if is_past(send_until):
        raise Refused(_("The time after which nothing is sent has passed. Choose a later one."))
    if start_at is not None and send_until is not None and send_until <= start_at:
        raise Refused(_("Nothing could be sent: “Do not send after” is not after “Start at”."))


def time_words(at: datetime) -> str:
    """The moment in the reader's notation: 2 Dec 2026, 07:00"""
    return f"{notation.day(notation.local(at).date(), year=True)}, {notation.clock(at)}"
