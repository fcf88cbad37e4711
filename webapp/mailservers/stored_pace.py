"""The paces of mail servers in the database: one row for a server, one for each slowed domain. All workers
share them."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.mailservers import pace as paces
from webapp.mailservers.pace import Pace, Turn
from webapp.store.mailservers import MailPace, MailServer
from webapp.store.runs import Attempt
from webapp.store.statuses import Outcome
from webapp.store.types import now
from webapp.translation import _

LATELY_SECONDS, ATTEMPTS_LOOKED_AT = 10.0, 500
"""How far back, in time and in attempts over all servers, a server's accepted mails are looked for."""
ASK_AGAIN_SECONDS = 30.0
"""The longest pause of a mail to a slowed domain: the domain may be faster by then."""


def slowed(session: Session, server_id: int) -> dict[str, MailPace]:
    """The rows that count, by domain; under the empty domain that of the server itself."""
    since = now() - timedelta(seconds=paces.FORGOTTEN_AFTER_SECONDS)
    rows = session.scalars(
        select(MailPace).where(MailPace.mail_server_id == server_id, MailPace.refused_at > since)
    )
    return {row.domain: row for row in rows}


def take_turn(
    session: Session, server_id: int, *, domain: str = "", taken: int = 0, offered_at: float = 0.0
) -> Turn | None:
    """Count the mails that were accepted since the last turn, and take the next turn of the server (or of
    one domain); None if it is not slowed, or no longer."""
    row = session.get(MailPace, (server_id, domain), with_for_update=True, populate_existing=True)
    if row is None:
        return None
    at = time.time()
    pace = pace_of(row)
    if at > pace.is_forgotten_at:
        session.delete(row)
        return None
    pace, turn = paces.turn(paces.after_taken(pace, at, taken, offered_at), at)
    write(row, pace)
    return turn


def take_turns(session: Session, server_id: int, domain: str, mails: int) -> list[float] | None:
    """For each of this number of mails to a domain the seconds after which it may go out, 0 for now; None if
    the domain is not slowed, or no longer."""
    row = stored(session, server_id, domain)
    if row is None:
        return None
    pace, pauses, at = pace_of(row), list[float](), time.time()
    while len(pauses) < mails:
        pace, turn = paces.turn(pace, at)
        if not turn.mails:
            later = range(mails - len(pauses))
            pauses += [min(turn.wait + place / pace.per_second, ASK_AGAIN_SECONDS) for place in later]
        pauses += [0.0] * min(turn.mails, mails - len(pauses))
    write(row, pace)
    return pauses


def note_accepted(session: Session, server_id: int, domain: str, taken: int, offered_at: float) -> None:
    """Count mails that a slowed domain accepted. One that had accepted none was away, and does not throttle:
    it is not slowed any more."""
    row = session.get(MailPace, (server_id, domain), with_for_update=True, populate_existing=True)
    if row is None:
        return
    pace = pace_of(row)
    if pace.shut_at is not None and not pace.taken:
        session.delete(row)
    else:
        write(row, paces.after_taken(pace, time.time(), taken, offered_at))


def stored(session: Session, server_id: int, domain: str) -> MailPace | None:
    """The stored pace that still counts; one that no longer does is deleted."""
    row = session.get(MailPace, (server_id, domain), with_for_update=True, populate_existing=True)
    if row is None or time.time() <= pace_of(row).is_forgotten_at:
        return row
    session.delete(row)
    session.flush()
    return None


def taken_lately(session: Session, server_id: int, at: float) -> tuple[int, float]:
    """How many mails the server has accepted lately of any drain, or is about to, and since when, in seconds
    of the Unix clock, 0 if none: the second drain of a run may be refused from its first mail on, since the
    first one uses up what the server accepts."""
    newest = select(func.max(Attempt.id)).scalar_subquery()
    of_server = (Attempt.mail_server_id == server_id, Attempt.id > newest - ATTEMPTS_LOOKED_AT)
    began = datetime.fromtimestamp(at - LATELY_SECONDS, UTC)
    is_taken = Attempt.outcome.in_((Outcome.SENDING, Outcome.ACCEPTED))
    taken, since = session.execute(
        select(func.count(), func.min(Attempt.started_at)).where(
            *of_server, is_taken, Attempt.started_at > began
        )
    ).one()
    return taken, since.timestamp() if since else 0.0


_INSTANTS = ("opened_at", "next_at", "grown_at", "refused_at", "shut_at")


def pace_of(row: MailPace) -> Pace:
    """The stored pace as a value."""
    values: dict[str, Any] = {name: getattr(row, name) for name in Pace.__dataclass_fields__}
    return Pace(**{**values, **{name: values[name] and values[name].timestamp() for name in _INSTANTS}})


def write(row: MailPace, pace: Pace) -> None:
    """Store the value in its row."""
    for name, value in asdict(pace).items():
        is_instant = name in _INSTANTS and value is not None
        setattr(row, name, datetime.fromtimestamp(value, UTC) if is_instant else value)


def sentences(session: Session, server: MailServer) -> list[str]:
    """ "smtp.example.com is throttling: 454 slow down; sending about 9 a second", and the same for each
    slowed domain; nothing for a server that is not slowed."""
    rows = sorted(slowed(session, server.id).values(), key=lambda row: row.domain)
    if rows and not rows[0].domain:
        rows = rows[:1]
    return [_sentence(server.host, row) for row in rows]


def _sentence(host: str, row: MailPace) -> str:
    if row.domain:
        throttles = _("%(host)s is throttling mails to %(domain)s", host=host, domain=row.domain)
    else:
        throttles = _("%(host)s is throttling", host=host)
    pace, about = pace_of(row), {"throttles": throttles, "reply": row.reply}
    if pace.shut_at is not None and (pace.probes or not pace.cycle):
        return _(
            "%(throttles)s: %(reply)s; it takes none now, a single mail tries every few seconds", **about
        )
    return _("%(throttles)s: %(reply)s; sending about %(speed)s", speed=_speed(pace.per_second), **about)


def _speed(per_second: float) -> str:
    if per_second >= 2.5:
        return _("%(number)s a second", number=round(per_second))
    return _("%(number)s a minute", number=round(per_second * 60))
