"""Which of our mails a returned mail is about. What has a token that we signed names it; all else is a guess,
and a person decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp.bounces.understanding import ReturnSays
from webapp.store.bounces import GuessGround
from webapp.store.customers import CustomerEmail
from webapp.store.runs import Attempt, Result
from webapp.store.statuses import Outcome
from webapp.store.types import now

GUESS_DAYS = 90
"""How long a mail may have been out that a guess is about."""
CUSTOMERS_MAX = 50
"""Customers who share an address, as far as a guess looks."""
OUR_MESSAGE_ID = re.compile(r"<(\d{1,18})\.(\d{1,18})\.\d{1,9}\.\w{1,32}@[^\s<>]+>")
"""As messages/inputs.py makes them: the second number is the result's id."""
ADDRESS = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}")
KEY_MAX = 2**63 - 1


@dataclass(frozen=True)
class Guess:
    """The result that a returned mail may be of, why, and how many there are of which that is so."""

    result_id: int | None = None
    ground: GuessGround = GuessGround.NOTHING
    count: int = 0


def attempt_named(session: Session, says: ReturnSays) -> Attempt | None:
    """The attempt that the mail's token names; None if it has none, or if this database has no such
    attempt: then it is of another installation with the same key."""
    token = says.token
    if token is None or token.result_id > KEY_MAX or token.attempt > KEY_MAX:
        return None
    of_token = (Attempt.result_id == token.result_id, Attempt.number == token.attempt)
    return session.scalar(select(Attempt).where(*of_token).order_by(Attempt.id.desc()).limit(1))


def guess(session: Session, says: ReturnSays) -> Guess:
    """Which mail it may be about: the one whose signed return address it came to, the one whose Message-ID it
    quotes; else the last one that went to an address that it names."""
    if named := attempt_named(session, says):
        return Guess(named.result_id, GuessGround.RETURN_ADDRESS, 1)
    if found := _by_message_id(session, says.message_id):
        return Guess(found, GuessGround.MESSAGE_ID, 1)
    addresses = [each.address for each in says.recipients if "@" in each.address]
    if not addresses:
        addresses = [says.sent_from, *ADDRESS.findall(says.quoted)]
    return _by_address(session, list(dict.fromkeys(each.lower() for each in addresses if each))[:20])


def _by_message_id(session: Session, message_id: str) -> int | None:
    """Message-IDs are no secret: who got one mail of a run can make up those of others."""
    found = OUR_MESSAGE_ID.fullmatch(message_id)
    if found is None or int(found[2]) > KEY_MAX:
        return None
    had = exists().where(Attempt.result_id == Result.id, Attempt.message_id == message_id)
    return session.scalar(select(Result.id).where(Result.id == int(found[2]), had))


def _by_address(session: Session, addresses: Sequence[str]) -> Guess:
    if not addresses:
        return Guess()
    customers = session.scalars(
        select(CustomerEmail.customer_id)
        .where(func.lower(CustomerEmail.address).in_(addresses))
        .distinct()
        .limit(CUSTOMERS_MAX)
    ).all()
    if not customers:
        return Guess()
    since = now() - timedelta(days=GUESS_DAYS)
    went_out = exists().where(
        Attempt.result_id == Result.id, Attempt.outcome == Outcome.ACCEPTED, Attempt.started_at >= since
    )
    sent = select(Result.id).where(Result.customer_id.in_(customers), went_out)
    ids = session.scalars(sent.order_by(Result.sent_at.desc(), Result.id.desc()).limit(CUSTOMERS_MAX)).all()
    return Guess(ids[0], GuessGround.ADDRESS, len(ids)) if ids else Guess()
