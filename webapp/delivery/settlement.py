"""Settles an attempt: from the mail server's answer to the result's next status, with the columns that
change. Values in, values out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from webapp.config import Settings
from webapp.lifecycle.results import RELEASE_CLAIM
from webapp.messages.inputs import MessageInput
from webapp.smtp import outcomes
from webapp.store.statuses import SENDABLE, Outcome, ResultStatus
from webapp.store.types import now
from webapp.translation import N_, ngettext

BROKEN_CONNECTIONS_MAX = 2


@dataclass(frozen=True)
class ResultUpdate:
    """The status that a result goes to, with every column that the end of an attempt may change."""

    status: ResultStatus
    values: Mapping[str, Any]


def next_state(
    settings: Settings, inputs: MessageInput, was: ResultStatus, outcome: AttemptOutcome, began: datetime
) -> ResultUpdate:
    """What this outcome of an attempt, begun at that moment, makes of a result that is now in the status
    `was`.

    A connection that broke before the last byte leaves the message to be tried again: at once the first time,
    later from the second time on, so that one message cannot hold up the rest. A message that was refused
    because of the mail server is ready as before. A deferred message is tried until it is time to give up."""
    broke = outcome.outcome == Outcome.BROKEN
    is_blameless = outcome.status == ResultStatus.READY and not broke
    broken_connections = inputs.broken_connections + broke
    to, detail, next_try = outcome.status, outcome.detail, None
    if broke and broken_connections < BROKEN_CONNECTIONS_MAX:
        if was == ResultStatus.UNCONFIRMED:  # declared so while this worker was away: a late proof
            to, next_try = ResultStatus.DEFERRED, now()
        else:
            to = was if was in SENDABLE else ResultStatus.READY
            next_try = inputs.next_try_at if to == ResultStatus.DEFERRED else None
    elif is_blameless and was == ResultStatus.UNCONFIRMED:
        to, next_try = ResultStatus.DEFERRED, now()
    elif is_blameless:
        detail = ""
    elif broke or outcome.status == ResultStatus.DEFERRED:
        to, next_try = ResultStatus.DEFERRED, _next_try(settings, inputs)
        if next_try is None:
            to = ResultStatus.FAILED
            detail = _gave_up(inputs.attempts + 1, outcome.reply or outcome.detail)
    return ResultUpdate(
        to,
        {
            **RELEASE_CLAIM,
            "detail": detail,
            "smtp_reply": outcome.reply,
            "warning": _warning(outcome.refused),
            "broken_connections": broken_connections,
            "attempts": inputs.attempts + 1,
            "first_try_at": None if is_blameless else inputs.first_try_at or began,
            "next_try_at": next_try,
            "sent_at": now() if to == ResultStatus.SENT else inputs.sent_at,
        },
    )


def _next_try(settings: Settings, work: MessageInput) -> datetime | None:
    """When to try again: after `retry_first` seconds, doubling up to `retry_last`; None when it is time to
    give up.

    Attempts before `first_try_at` do not count: they were refused because of the mail server."""
    since_first = (now() - work.first_try_at).total_seconds() if work.first_try_at else 0.0
    if since_first > settings.give_up:
        return None
    pauses_passed = int(math.log2(max(0.0, since_first) / max(settings.retry_first, 0.001) + 1))
    pause = min(settings.retry_first * 2 ** min(work.attempts, pauses_passed, 30), settings.retry_last)
    return now() + timedelta(seconds=pause)


def _gave_up(attempts: int, why: str) -> str:
    return ngettext(
        "gave up after %(num)s attempt: %(why)s", "gave up after %(num)s attempts: %(why)s", attempts, why=why
    )


def _warning(refused: Mapping[str, str]) -> str:
    """Who did not get the message although others did."""
    told = N_("%(address)s was refused: %(words)s")
    return "; ".join(told % {"address": address, "words": words} for address, words in refused.items())


@dataclass(frozen=True)
class AttemptOutcome:
    """What became of an attempt, and so of its result."""

    outcome: Outcome
    status: ResultStatus
    stage: str = ""
    code: int | None = None
    reply: str = ""
    detail: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    transcript: list[tuple[float, str]] = field(default_factory=list)

    @property
    def may_have_been_sent(self) -> bool:
        """Whether the message may have gone out."""
        return self.status in (ResultStatus.SENT, ResultStatus.UNCONFIRMED)


def attempt_outcome(
    outcome: outcomes.Offer | outcomes.Finish,
    refused: Mapping[str, str],
    transcript: list[tuple[float, str]],
) -> AttemptOutcome:
    """Before the final dot: ready or deferred. After the dot without a reply: unconfirmed. A 2yz reply: sent;
    4yz: deferred; 5yz: failed."""
    told = partial(AttemptOutcome, refused=refused, transcript=transcript)
    match outcome:
        case outcomes.Accepted(reply):
            return told(Outcome.ACCEPTED, ResultStatus.SENT, "dot", reply.code, str(reply))
        case outcomes.Deferred(stage, reply):
            return told(Outcome.DEFERRED, ResultStatus.DEFERRED, stage, reply.code, str(reply))
        case outcomes.Rejected(stage, reply):
            return told(Outcome.REFUSED, ResultStatus.FAILED, stage, reply.code, str(reply), str(reply))
        case outcomes.ServerTrouble(words, _, reply):
            code = reply.code if reply else None
            return told(Outcome.TROUBLE, ResultStatus.READY, "dot", code, str(reply or ""), words)
        case outcomes.Unknown(words):
            return told(Outcome.UNKNOWN, ResultStatus.UNCONFIRMED, "dot", detail=words)
        case outcomes.Broken(stage, words):
            return told(Outcome.BROKEN, ResultStatus.READY, stage, detail=words)
    raise TypeError(f"{outcome} says nothing about a message")
