"""What is known of a mail server's greylisting: it refuses each new recipient, and accepts it when it is
tried again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from webapp.mailservers import refused_results
from webapp.store.mailservers import MailServer, RefusedResult
from webapp.store.types import now

REMEMBERED = timedelta(days=1)


def is_known(server: MailServer, refusal: str) -> bool:
    """Whether refusals of this class are known to be this server's greylisting."""
    until = server.greylisted_until
    return until is not None and now() < until and server.greylisted_as == refusal


def remember(server: MailServer, refusal: str) -> None:
    """Take refusals of this class for greylisting from now on."""
    server.greylisted_as, server.greylisted_until = refusal, now() + REMEMBERED


def note_accepted_again(session: Session, server_id: int, result_id: int) -> bool:
    """A message that had been refused before was accepted. Returns whether that was the trial: then it is
    greylisting, which is remembered, unless the next new message is accepted at its first offer."""
    row = session.get(RefusedResult, (server_id, result_id))
    if row is None:
        return False
    was_trial, refusal = row.is_trial, row.refusal_class
    session.delete(row)
    if was_trial:
        server = session.get_one(MailServer, server_id, with_for_update=True, populate_existing=True)
        remember(server, refusal)
    return was_trial


def note_not_greylisting(session: Session, server_id: int) -> tuple[int, ...]:
    """After the trial a new message was accepted at its first offer: the server had been shut, and is open
    again. Returns the results that are deferred over it."""
    server = session.get_one(MailServer, server_id, with_for_update=True, populate_existing=True)
    given_back = refused_results.deferred_over(session, server_id, server.greylisted_as)
    server.greylisted_as, server.greylisted_until = "", None
    return tuple(given_back)
