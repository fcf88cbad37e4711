"""How fast a server that throttles is offered mails: values in, values out.

The pace falls when the server refuses and creeps up while it accepts, as TCP's does (additive increase,
multiplicative decrease: Chiu and Jain, 1989; slower near the last refusal, as in CUBIC, RFC 9438). Times are
seconds of the Unix clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

SLOWEST = 0.2
"""Mails a second: one every five seconds."""
FIRST_PROBE_SECONDS = 0.5
PROBE_SECONDS_MAX = 5.0
DECREASE_LEAST, DECREASE_MOST = 0.95, 0.5
"""By which factor a refusal slows: the measured share within these."""
GROWTH, GROWTH_NEAR_CEILING = 0.2, 0.03
"""Share of the ceiling by which the pace grows in the time of one cycle; near the ceiling, the second."""
NEAR = (0.9, 1.1)
"""Shares of the ceiling between which the pace counts as near it."""
CYCLE_MIN_SECONDS, CYCLE_MAX_SECONDS = 1.0, 60.0
AT_ONCE_SECONDS = 0.2
"""How much of the pace one turn may cover, so that a fast pace does not cost a statement per mail."""
LATE_SECONDS = 1.0
"""How late a turn may be taken without slowing the turns after it: an idle time must not end in a burst."""
AHEAD_SECONDS_MAX = 30.0
"""A turn that is further ahead was written by a clock that has jumped since, and is not waited for."""
FORGOTTEN_AFTER_SECONDS = 3600.0


@dataclass(frozen=True)
class Pace:
    """A cycle lasts from when the server began to take mails until it takes some again after a refusal.

    `ceiling`: mails a second at which it last refused. `taken`: mails of this cycle. `shut_at`: when it
    refused, if it has taken none since; `probes`: how many of the single mails offered since then it refused.
    `cycle`: the length of the last whole cycle in seconds, 0 before the first. `next_at`: when the next mail
    may be offered."""

    per_second: float
    ceiling: float
    opened_at: float
    next_at: float
    grown_at: float
    refused_at: float
    taken: int = 0
    shut_at: float | None = None
    probes: int = 0
    cycle: float = 0.0

    @property
    def is_forgotten_at(self) -> float:
        """When this no longer counts, if no further refusal comes."""
        return self.refused_at + FORGOTTEN_AFTER_SECONDS


def slowed(at: float, taken: int, since: float) -> Pace:
    """The pace of a server that has just begun to refuse, after it took `taken` mails from `since` on. Until
    it takes one again it is offered single mails."""
    lately = taken / max(1.0, at - since)
    return Pace(
        per_second=max(SLOWEST, lately / 2),
        ceiling=max(SLOWEST, lately),
        opened_at=min(since, at),
        next_at=at + FIRST_PROBE_SECONDS,
        grown_at=at,
        refused_at=at,
        taken=taken,
        shut_at=at,
    )


def after_refusal(pace: Pace, at: float, offered_at: float) -> Pace:
    """The pace after a refusal. A mail that was offered before the server shut, or before it opened again,
    says nothing new."""
    if pace.shut_at is not None:
        if offered_at < pace.shut_at:
            return pace
        probes = pace.probes + 1
        return replace(pace, refused_at=at, probes=probes, next_at=at + _until_probe(pace, probes))
    if offered_at < pace.opened_at:
        return pace
    return replace(pace, refused_at=at, shut_at=at, probes=0, next_at=at + _until_probe(pace, 0))


def _until_probe(pace: Pace, probes: int) -> float:
    first = max(FIRST_PROBE_SECONDS / 2, 1 / pace.per_second) if pace.cycle else FIRST_PROBE_SECONDS
    return float(min(PROBE_SECONDS_MAX, first * 2 ** min(probes, 10)))


def after_taken(pace: Pace, at: float, n: int, offered_at: float) -> Pace:
    """The pace after `n` mails were accepted, the last of them offered at `offered_at`. If the server was
    shut, it has opened: what it took in the cycle, by the cycle's length, is what it can take."""
    if not n:
        return pace
    counted = replace(pace, taken=pace.taken + n)
    if pace.shut_at is None or offered_at < pace.shut_at:
        return counted
    length = max(CYCLE_MIN_SECONDS, at - pace.opened_at)
    measured = pace.taken / length
    if pace.cycle:
        ceiling = pace.per_second
        per_second = min(max(measured, DECREASE_MOST * ceiling), DECREASE_LEAST * ceiling)
    else:  # the first cycle ran at full speed; it was still shut at the last probe that was refused
        per_second = measured
        ceiling = pace.taken / max(CYCLE_MIN_SECONDS / 2, pace.refused_at - pace.opened_at)
    per_second = max(SLOWEST, per_second)
    return replace(
        counted,
        per_second=per_second,
        ceiling=max(ceiling, per_second),
        opened_at=at,
        taken=n,
        shut_at=None,
        probes=0,
        cycle=length,
        grown_at=at,
        next_at=at + 1 / per_second,
    )


@dataclass(frozen=True)
class Turn:
    """`mails` may be offered now; if none, ask again after `wait` seconds."""

    mails: int
    wait: float


def turn(pace: Pace, at: float) -> tuple[Pace, Turn]:
    """Take the next turn, if it has come, and let the pace grow."""
    wait = pace.next_at - at
    if 0 < wait <= AHEAD_SECONDS_MAX:
        return pace, Turn(0, wait)
    if pace.shut_at is not None:
        return replace(pace, next_at=at + _until_probe(pace, pace.probes + 1)), Turn(1, 0.0)
    per_second = _grown(pace, at)
    mails = max(1, int(AT_ONCE_SECONDS * per_second))
    due = max(pace.next_at, at - max(LATE_SECONDS, 1 / per_second)) if wait <= 0 else at
    return (
        replace(pace, per_second=per_second, grown_at=at, next_at=due + mails / per_second),
        Turn(mails, 0.0),
    )


def _grown(pace: Pace, at: float) -> float:
    """The pace after it has grown since it last did; time without a mail counts for one mail's only."""
    near = NEAR[0] * pace.ceiling <= pace.per_second <= NEAR[1] * pace.ceiling
    cycle = min(max(pace.cycle, CYCLE_MIN_SECONDS), CYCLE_MAX_SECONDS)
    cycles = (at - pace.opened_at) / cycle  # the longer it went well, the more the ceiling is in doubt
    rate = min(GROWTH, GROWTH_NEAR_CEILING * (1 + max(0.0, cycles))) if near else GROWTH
    passed = min(max(0.0, at - pace.grown_at), 2 * max(AT_ONCE_SECONDS, 1 / pace.per_second))
    return pace.per_second + rate * pace.ceiling * passed / cycle
