"""The pace of a server that throttles, in simulated time: it finds what the server takes."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from webapp.mailservers import pace as paces
from webapp.mailservers.pace import Pace, Turn


def sliding(limit: int, seconds: float) -> Callable[[float], bool]:
    """Accepts what keeps to the limit in every window of this number of seconds."""
    passed = deque[float]()

    def accepts(at: float) -> bool:
        while passed and passed[0] <= at - seconds:
            passed.popleft()
        if len(passed) >= limit:
            return False
        passed.append(at)
        return True

    return accepts


def fixed(limit: int, seconds: float) -> Callable[[float], bool]:
    """Postfix's anvil: windows one after the other, in which refused mails count too."""
    began, offered = float("-inf"), 0

    def accepts(at: float) -> bool:
        nonlocal began, offered
        if at > began + seconds:
            began, offered = at, 0
        offered += 1
        return offered <= limit

    return accepts


@dataclass
class Simulation:
    """Connections that offer mails as fast as they may, each of which takes `latency` seconds."""

    accepts: Callable[[float], bool]
    connections: int = 8
    latency: float = 0.02
    refused: int = 0
    at: float = 0.0
    pace: Pace | None = None
    _taken: int = 0
    _pending: int = 0
    _offered_at: float = 0.0
    _allowed: int = 0
    _latest: deque[bool] = field(default_factory=lambda: deque(maxlen=10))

    def run(self, mails: int) -> None:
        """Until this number of mails is accepted."""
        order = count()
        events = [(0.004 * number, next(order), -1.0) for number in range(self.connections)]
        while self._taken < mails:
            self.at, _, offered_at = heapq.heappop(events)
            if offered_at >= 0:
                self._answered(self.accepts(offered_at), offered_at)
                heapq.heappush(events, (self.at + 0.004, next(order), -1.0))
            elif wait := self._wait():
                heapq.heappush(events, (self.at + min(wait, 1.0), next(order), -1.0))
            else:
                heapq.heappush(events, (self.at + self.latency, next(order), self.at))

    def _wait(self) -> float:
        if self.pace is None:
            return 0.0
        if self._allowed:
            self._allowed -= 1
            return 0.0
        self._count()
        self.pace, turn = paces.turn(self.pace, self.at)
        self._allowed = max(0, turn.mails - 1)
        return turn.wait

    def _count(self) -> None:
        assert self.pace is not None
        self.pace = paces.after_taken(self.pace, self.at, self._pending, self._offered_at)
        self._pending = 0

    def _answered(self, accepted: bool, offered_at: float) -> None:
        self._latest.append(accepted)
        if accepted:
            self._taken += 1
            self._pending, self._offered_at = self._pending + 1, offered_at
            return
        self.refused += 1
        self._allowed = 0
        if self.pace is not None:
            self._count()
            self.pace = paces.after_refusal(self.pace, self.at, offered_at)
        elif self._latest.count(False) >= 5:
            self.pace, self._pending = paces.slowed(self.at, self._taken, 0.0), 0


@pytest.mark.parametrize(
    ("kind", "limit", "seconds", "mails", "least"),
    [
        (sliding, 10, 1, 400, 39),
        (sliding, 5, 1, 500, 99),
        (sliding, 50, 1, 2000, 39),
        (sliding, 20, 10, 200, 90),
        (fixed, 20, 10, 200, 90),
        (sliding, 100, 60, 250, 120),
        (fixed, 100, 60, 250, 120),
        (sliding, 1, 3, 60, 177),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("connections", [1, 8, 16])
def test_b1_it_finds_what_the_server_takes(
    kind: Callable[[int, float], Callable[[float], bool]],
    limit: int,
    seconds: float,
    mails: int,
    least: float,
    connections: int,
) -> None:
    """In 1.3 times the least possible time, and with few refusals."""
    trying = Simulation(kind(limit, seconds), connections)
    trying.run(mails)
    assert trying.at <= 1.3 * least
    assert trying.refused <= 40 + connections


SHUT = paces.slowed(1000.0, taken=100, since=998.0)


def test_b1_it_is_offered_single_mails_until_it_takes_one() -> None:
    pace, turn = paces.turn(SHUT, 1000.1)
    assert (turn.mails, round(turn.wait, 3)) == (0, 0.4)
    pace, turn = paces.turn(SHUT, 1000.5)
    assert turn == Turn(1, 0.0)
    assert paces.turn(pace, 1000.5)[1].mails == 0
    opened = paces.after_taken(pace, 1001.0, 1, offered_at=1000.5)
    assert opened.shut_at is None
    assert opened.per_second == pytest.approx(100 / 3)


def test_b1_the_pauses_between_probes_grow_to_five_seconds() -> None:
    pace, waits = SHUT, list[float]()
    for _ in range(7):
        pace = paces.after_refusal(pace, pace.next_at, offered_at=pace.next_at)
        waits.append(round(pace.next_at - pace.refused_at, 1))
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0]


def test_b1_what_was_on_its_way_says_nothing_new() -> None:
    assert paces.after_refusal(SHUT, 1000.2, offered_at=999.9) == SHUT
    assert paces.after_taken(SHUT, 1000.2, 1, offered_at=999.9).shut_at == SHUT.shut_at


def test_b1_a_turn_that_a_clock_has_moved_far_ahead_is_not_waited_for() -> None:
    assert paces.turn(replace(SHUT, next_at=1000.0 + 86_400), 1001.0)[1].mails == 1


def test_b1_the_pace_halves_at_most_and_never_falls_below_one_in_five_seconds() -> None:
    pace = paces.after_taken(SHUT, 1001.0, 1, offered_at=1000.5)
    for _ in range(20):
        before = pace.per_second
        pace = paces.after_refusal(pace, pace.opened_at + 30, offered_at=pace.opened_at + 29)
        pace = paces.after_taken(pace, pace.refused_at + 1, 1, offered_at=pace.refused_at + 0.5)
        assert before / 2 - 0.001 <= pace.per_second <= before or pace.per_second == paces.SLOWEST
    assert pace.per_second == paces.SLOWEST


def test_b1_forgotten_after_an_hour_without_refusals() -> None:
    assert SHUT.is_forgotten_at == 1000.0 + 3600
