"""Treats a mail server that refuses mail after mail for now: its pace, kept in the database for all runs and
workers, and what becomes of the messages that it refused.

It may throttle (it accepts some), be shut (it accepts none), or greylist (it accepts no recipient at the
first offer). refusals.py judges a refusal, pace.py says how fast to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.mailservers import backoff, greylisting, refused_results, stored_pace
from webapp.mailservers import pace as paces
from webapp.mailservers.pace import Pace
from webapp.mailservers.refusals import APART_MAX, DEFERRED_MAX, RecentOutcomes, RefusalCause, class_of
from webapp.smtp.outcomes import Reply
from webapp.store.mailservers import MailPace, MailServer, RefusedResult
from webapp.store.statuses import ResultStatus, TroubleKind
from webapp.store.types import now

SHUT_SECONDS = 90.0
"""How long a server that accepted mails may accept none until its runs wait as for any trouble."""
GREYLISTED_MESSAGES = 3
"""Messages that are to blame themselves, of one class of refusal: it is greylisting."""


@dataclass(frozen=True)
class RefusedOffer:
    """A message that was refused for now. `is_first`: it had not been offered before. `offered_at`: seconds
    of the Unix clock. `is_probe`: its drain tries whether the server's trouble is over."""

    server_id: int
    run_id: int
    result_id: int
    domain: str
    reply: Reply
    is_first: bool
    offered_at: float
    is_probe: bool


@dataclass(frozen=True)
class Ruling:
    """What becomes of a refused message: `deferred`, or `ready` if it is not to blame. `give_back`: results
    that were deferred for the same cause and are ready again. `trial`: a result to be tried at that time.
    `is_slowed`: the server's pace counts from now on; `slows_domain`: that of the domain. `waits`: its runs
    wait."""

    status: ResultStatus
    give_back: tuple[int, ...] = ()
    trial: tuple[int, datetime] | None = None
    is_slowed: bool = False
    slows_domain: bool = False
    waits: bool = False


OF_THE_MESSAGE = Ruling(ResultStatus.DEFERRED)


def judge(
    session: Session,
    settings: Settings,
    refused: RefusedOffer,
    seen: RecentOutcomes,
    only_domain: Callable[[], bool],
) -> Ruling:
    """What becomes of a refused message, the last that `seen` noted; stores what follows for its server.

    1. Refusals about a mailbox, and those that are known to be greylisting, are the message's.
    2. While the runs wait for the server, or after a trial: refused again, so it is the server's trouble.
    3. While the server or the domain is slowed: slower still. The message is not to blame, unless it is
    refused again and again, each time after the server had begun to accept others.
    4. Else `refusals.cause_of` tells. The server's: it throttles if it has accepted mails at their first
    offer, else it takes nothing, and may be greylisting."""
    refusal = class_of(refused.reply)
    server = session.get_one(MailServer, refused.server_id, with_for_update=True, populate_existing=True)
    if not refusal or greylisting.is_known(server, refusal):
        return OF_THE_MESSAGE
    before = session.get(RefusedResult, (server.id, refused.result_id))
    was_trial, last_refused = (before.is_trial, before.last_at) if before else (False, None)
    row = before or refused_results.new_row(refused.server_id, refused.run_id, refused.result_id)
    refused_results.remember(session, row, refused.domain, refusal)
    if was_trial or (server.trouble and server.trouble_kind == TroubleKind.REFUSALS):
        return _refused_again(session, settings, server, refused, row, probing=was_trial or refused.is_probe)
    for domain in ("", refused.domain):
        stored = stored_pace.stored(session, server.id, domain)
        if stored is not None:
            return _while_slowed(session, settings, server, refused, row, stored, seen, last_refused)
    cause = seen.cause(only_domain)
    if cause == RefusalCause.MESSAGE and not _is_first_after_others(refused, seen):
        return OF_THE_MESSAGE
    if cause == RefusalCause.DOMAIN:
        return _slow(session, refused, refusal, refused.domain, seen)
    if seen.first_taken():
        return _slow(session, refused, refusal, "", seen)
    if _is_first_after_others(refused, seen):
        greylisting.remember(server, refusal)
        return OF_THE_MESSAGE
    return _takes_nothing(session, settings, server, refused, refusal)


def _is_first_after_others(refused: RefusedOffer, seen: RecentOutcomes) -> bool:
    """Whether the server, after a time in which it took nothing, accepts what it had refused before, and
    refuses what is new: greylisting."""
    return refused.is_probe and refused.is_first and bool(seen.again_taken) and not seen.firsts_taken


def _takes_nothing(
    session: Session, settings: Settings, server: MailServer, refused: RefusedOffer, refusal: str
) -> Ruling:
    """The server has accepted nothing: at most DEFERRED_MAX messages are deferred, and the first of them is
    tried again soon. Then its runs wait for that."""
    others = [
        id for id in refused_results.deferred_over(session, server.id, refusal) if id != refused.result_id
    ]
    first = session.get_one(RefusedResult, (server.id, [*others, refused.result_id][0]))
    first.is_trial = True
    trial = (first.result_id, first.first_at + timedelta(seconds=settings.trial_after))
    if len(others) + 1 < DEFERRED_MAX:
        return Ruling(ResultStatus.DEFERRED, trial=trial)
    server.trouble, server.trouble_kind = str(refused.reply), TroubleKind.REFUSALS
    server.trouble_since, server.trouble_count, server.next_try_at = now(), 1, trial[1]
    fits = len(others) < DEFERRED_MAX
    return Ruling(ResultStatus.DEFERRED if fits else ResultStatus.READY, trial=trial, waits=True)


def _refused_again(
    session: Session,
    settings: Settings,
    server: MailServer,
    refused: RefusedOffer,
    row: RefusedResult,
    *,
    probing: bool,
) -> Ruling:
    """It is the server's trouble: what was deferred over it is ready again, and the runs wait. A message that
    was still on its way when the runs began to wait says nothing new."""
    if not probing:
        return Ruling(ResultStatus.READY, waits=True)
    session.execute(
        update(RefusedResult).where(RefusedResult.mail_server_id == server.id).values(is_trial=False)
    )
    if stored := stored_pace.stored(session, server.id, ""):
        stored_pace.write(
            stored, paces.after_refusal(stored_pace.pace_of(stored), time.time(), refused.offered_at)
        )
    words = str(refused.reply)
    backoff.note_trouble(session, settings, server.id, words, TroubleKind.REFUSALS, probing=True)
    given_back = refused_results.deferred_over(session, server.id, row.refusal_class)
    return Ruling(ResultStatus.READY, tuple(given_back), waits=True)


def _slow(session: Session, refused: RefusedOffer, refusal: str, domain: str, seen: RecentOutcomes) -> Ruling:
    """Slow the server, or one domain. What was deferred meanwhile is ready again; but mails to a domain that
    accepts none are deferred as ever."""
    taken = seen.first_taken(domain)
    stored = MailPace(mail_server_id=refused.server_id, domain=domain, reply=str(refused.reply))
    stored_pace.write(stored, paces.slowed(time.time(), taken, seen.began or time.time()))
    if not domain:
        session.execute(delete(MailPace).where(MailPace.mail_server_id == refused.server_id))
    session.add(stored)
    if domain and not taken:
        return Ruling(ResultStatus.DEFERRED, slows_domain=True)
    given_back = refused_results.deferred_over(session, refused.server_id, refusal, domain)
    return Ruling(ResultStatus.READY, tuple(given_back), is_slowed=not domain, slows_domain=bool(domain))


def _while_slowed(
    session: Session,
    settings: Settings,
    server: MailServer,
    refused: RefusedOffer,
    row: RefusedResult,
    stored: MailPace,
    seen: RecentOutcomes,
    last_refused: datetime | None,
) -> Ruling:
    at, pace, is_slowed = time.time(), stored_pace.pace_of(stored), not stored.domain
    if is_slowed:
        pace = paces.after_taken(pace, at, seen.pending, seen.offered_at)
    row.apart += last_refused is not None and pace.opened_at > last_refused.timestamp()
    if row.apart >= APART_MAX:
        return _blame_the_message(session, server, row, stored, pace)
    pace = paces.after_refusal(pace, at, refused.offered_at)
    stored.reply = str(refused.reply)
    stored_pace.write(stored, pace)
    if stored.domain and not pace.taken:
        return Ruling(ResultStatus.DEFERRED, slows_domain=True)
    waits = is_slowed and pace.shut_at is not None and at - pace.shut_at > SHUT_SECONDS
    if waits:
        words = str(refused.reply)
        backoff.note_trouble(session, settings, server.id, words, TroubleKind.REFUSALS, probing=True)
    return Ruling(ResultStatus.READY, is_slowed=is_slowed, slows_domain=not is_slowed, waits=waits)


def _blame_the_message(
    session: Session, server: MailServer, row: RefusedResult, stored: MailPace, pace: Pace
) -> Ruling:
    """Refused again and again while others were accepted: it is about the message. If that happens to
    several, it is greylisting of some recipients, and the server is not slowed over it."""
    stored_pace.write(stored, pace)
    alike = select(func.count()).where(
        RefusedResult.mail_server_id == server.id,
        RefusedResult.refusal_class == row.refusal_class,
        RefusedResult.apart >= APART_MAX,
    )
    session.flush()
    if (session.scalar(alike) or 0) < GREYLISTED_MESSAGES:
        return Ruling(ResultStatus.DEFERRED, is_slowed=not stored.domain)
    greylisting.remember(server, row.refusal_class)
    session.delete(stored)
    return OF_THE_MESSAGE


def note_refused_by_server(
    session: Session, server_id: int, reply: Reply, seen: RecentOutcomes, offered_at: float
) -> bool:
    """The server refused MAIL for now. If it accepts mails, of this drain or of another, slow it, or slow it
    further; returns whether it does."""
    session.get_one(MailServer, server_id, with_for_update=True, populate_existing=True)
    at, row = time.time(), stored_pace.stored(session, server_id, "")
    if row is None:
        taken, since = seen.first_taken(), seen.began
        if not seen.firsts_taken:
            taken, since = stored_pace.taken_lately(session, server_id, at)
        if not since:
            return False
        session.execute(delete(MailPace).where(MailPace.mail_server_id == server_id))
        row = MailPace(mail_server_id=server_id, domain="")
        stored_pace.write(row, paces.slowed(at, taken, since))
    else:
        pace = paces.after_taken(stored_pace.pace_of(row), at, seen.pending, seen.offered_at)
        stored_pace.write(row, paces.after_refusal(pace, at, offered_at))
    row.reply = str(reply)
    session.add(row)
    return True
