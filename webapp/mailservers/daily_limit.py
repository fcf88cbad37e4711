"""How many more recipients a mail server takes within 24 hours: by the attempts that the database has, so
that it holds over all workers, and over their restarts.

It is counted when a drain begins, and a mail counts once before it is sent. So mails with several recipients,
and drains side by side, can go over the limit by what is sent in half a minute: leave that much room."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, TextClause, func, select
from sqlalchemy.orm import Session

from webapp.store.mailservers import MailServer
from webapp.store.runs import KEPT, Attempt
from webapp.store.statuses import Outcome, TroubleKind
from webapp.store.types import now
from webapp.translation import N_

DAY = timedelta(hours=24)
USED_UP = N_("it takes %(limit)s recipients within 24 hours, and has taken them")
COUNTED = (Outcome.SENDING, Outcome.ACCEPTED, Outcome.UNKNOWN)
"""What the server has taken, or may have."""


def left(session: Session, server: MailServer) -> int | None:
    """How many recipients the server takes now; None without a limit."""
    if not server.recipients_per_day:
        return None
    length = (
        func.json_array_length if session.get_bind().dialect.name == "sqlite" else func.jsonb_array_length
    )
    each = length(Attempt.recipients) + length(Attempt.bcc)
    used = session.scalar(select(func.coalesce(func.sum(each), 0)).where(*_lately(server)))
    return max(0, server.recipients_per_day - int(used or 0))


def note_used_up(session: Session, server: MailServer) -> None:
    """Have the runs wait until the oldest of the counted mails no longer counts."""
    oldest = session.scalar(select(func.min(Attempt.started_at)).where(*_lately(server))) or now()
    server.trouble = USED_UP % {"limit": f"{server.recipients_per_day:,}"}
    server.trouble_kind = TroubleKind.PASSING
    server.trouble_since = server.trouble_since or now()
    server.next_try_at = oldest + DAY


def _lately(server: MailServer) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """The condition of an index goes with it (store/runs.py): the mails of the last day are kept."""
    return (
        Attempt.mail_server_id == server.id,
        Attempt.outcome.in_(COUNTED),
        Attempt.started_at > now() - DAY,
        KEPT,
    )
