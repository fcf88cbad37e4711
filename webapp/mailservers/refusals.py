"""Judges what a temporary refusal is about: the message, its recipient domain, or us at this mail server.
Values in, values out.

One refusal tells little: the words for a full mailbox, for greylisting and for a server that throttles are
each server's own. Several of the same class, one after the other, tell: see `cause_of`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from webapp.smtp.outcomes import Reply

LATEST = 10
"""How many of a drain's latest outcomes are looked at."""
SERVER_REFUSALS = 5
"""Refusals of one class among the latest outcomes that are about us."""
DOMAIN_REFUSALS = 3
"""Refusals in a row of one domain's mails that are about the domain."""
WINDOW = 300
"""Outcomes that are remembered of a drain."""
DEFERRED_MAX = 20
"""How many messages at most are `deferred` over a server that takes nothing."""
APART_MAX = 3
"""A message that was refused this often, each time after others had been accepted, is to blame itself."""

_OF_A_MAILBOX = re.compile(r"4\.(1\.\d+|2\.[1-4])\b")
"""Enhanced status codes (RFC 3463) that are about an address or a mailbox, and never about us."""
_ADDRESS = re.compile(r"<[^>]*>|\S+@\S+")
_VARYING = re.compile(r"https?://\S+|\[[^\]]*\]|\S*\d\S*")


class RefusalCause(StrEnum):
    """What a temporary refusal is about."""

    MESSAGE = "message"
    DOMAIN = "domain"
    SERVER = "server"


@dataclass(frozen=True)
class OutcomeSeen:
    """What became of one offer: the recipient's domain, the class of the refusal (empty: accepted), and
    whether it was the message's first offer."""

    domain: str
    refusal: str
    is_first: bool


def class_of(reply: Reply) -> str:
    """What a refusal says, without what differs from message to message: code, enhanced code and words, but
    no addresses, numbers, hosts or links. Empty for a refusal that is no temporary one, or that by its
    enhanced code is about an address or a mailbox."""
    if reply.code // 100 != 4:
        return ""
    words = _ADDRESS.sub(" ", reply.text.lower())
    enhanced = re.match(r"\s*(4\.\d+\.\d+)\b", words)
    if enhanced and _OF_A_MAILBOX.match(enhanced[1]):
        return ""
    kept = re.sub(r"[^\w']+", " ", _VARYING.sub(" ", words)).split()
    return " ".join([str(reply.code), *([enhanced[1]] if enhanced else []), *kept])


def cause_of(latest: Sequence[OutcomeSeen], only_domain: Callable[[], bool]) -> RefusalCause:
    """What the last of these outcomes, a refusal, is about. `only_domain` tells whether there are mails to no
    other domain; it is asked only where that matters.

    1. The last DOMAIN_REFUSALS mails to its domain got the same class of refusal, while at least as many
    mails to other domains were accepted: the domain.
    2. SERVER_REFUSALS of the LATEST outcomes are refusals of the same class, to more than one domain: us.
    To one domain alone: the domain, unless there is no other to compare with.
    3. Else the message."""
    last = latest[-1]
    if not last.refusal:
        return RefusalCause.MESSAGE
    if _is_of_domain(latest, last):
        return RefusalCause.DOMAIN
    alike = [seen for seen in latest[-LATEST:] if seen.refusal == last.refusal]
    if len(alike) < SERVER_REFUSALS:
        return RefusalCause.MESSAGE
    if len({seen.domain for seen in alike}) > 1 or only_domain():
        return RefusalCause.SERVER
    return RefusalCause.DOMAIN


def _is_of_domain(latest: Sequence[OutcomeSeen], last: OutcomeSeen) -> bool:
    found = accepted_elsewhere = 0
    for seen in reversed(latest):
        if seen.domain != last.domain:
            accepted_elsewhere += not seen.refusal
        elif seen.refusal != last.refusal:
            return False
        else:
            found += 1
            if found == DOMAIN_REFUSALS:
                return accepted_elsewhere >= DOMAIN_REFUSALS
    return False


@dataclass
class RecentOutcomes:
    """What one drain has seen of a mail server, from the first mail that it accepted on, which was offered at
    `began` (seconds of the Unix clock).

    `pending`: accepted mails that the server's pace has not counted yet, of which the newest was offered at
    `offered_at`. `firsts_taken`: how many were accepted at their first offer; `again_taken`: at a later
    one."""

    began: float = 0.0
    pending: int = 0
    offered_at: float = 0.0
    firsts_taken: int = 0
    again_taken: int = 0
    _latest: deque[OutcomeSeen] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def note_taken(self, domain: str, *, is_first: bool, offered_at: float) -> None:
        """Note that a mail was accepted."""
        self._latest.append(OutcomeSeen(domain, "", is_first))
        self.began = self.began or offered_at
        self.pending += 1
        self.offered_at = max(self.offered_at, offered_at)
        self.firsts_taken += is_first
        self.again_taken += not is_first

    def note_refused(self, domain: str, refusal: str, *, is_first: bool) -> None:
        """Note a temporary refusal."""
        self._latest.append(OutcomeSeen(domain, refusal, is_first))

    def cause(self, only_domain: Callable[[], bool]) -> RefusalCause:
        """What the refusal noted last is about; see `cause_of`."""
        return cause_of(tuple(self._latest), only_domain)

    def first_taken(self, domain: str = "") -> int:
        """How many mails (to this domain) were accepted at their first offer lately. Greylisting accepts
        none."""
        return sum(
            not seen.refusal and seen.is_first and domain in ("", seen.domain) for seen in self._latest
        )
