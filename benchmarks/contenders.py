"""Who is measured at sending: each row does its round when its turn comes."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.timing import Timed


@dataclass(frozen=True)
class Told:
    """One round of one contender. `memory`: megabytes of the largest worker at the beginning, at most, at the
    end."""

    timed: Timed
    note: str = ""
    memory: tuple[float, float, float] | None = None


@dataclass
class Row:
    """A contender, and what it did in each round; None where it could not be measured."""

    name: str
    act: Callable[[], Told | None]
    rounds: list[Told | None] = field(default_factory=list)

    def go(self) -> None:
        """Does one round."""
        self.rounds.append(self.act())

    @property
    def told(self) -> list[Told]:
        return [each for each in self.rounds if each]

    @property
    def rate(self) -> float | None:
        """Messages per second, the median of the rounds."""
        return statistics.median(each.timed.rate for each in self.told) if self.told else None

    @property
    def cpu(self) -> float | None:
        """CPU seconds per 1,000 messages, the median of the rounds."""
        return statistics.median(each.timed.cpu_per_1000 for each in self.told) if self.told else None

    def ratio(self, other: Row) -> float | None:
        """How much faster than the other: the median of the ratios of the same round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        ratios = [mine.timed.rate / theirs.timed.rate for mine, theirs in pairs if mine and theirs]
        return statistics.median(ratios) if ratios else None

    def cpu_ratio(self, other: Row) -> float | None:
        """How much of the other's CPU time a message takes: the median of the ratios of the same round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        ratios = [m.timed.cpu_per_1000 / t.timed.cpu_per_1000 for m, t in pairs if m and t]
        return statistics.median(ratios) if ratios else None

    def cells(self, plain: Row) -> tuple[str, ...]:
        """The row as it is shown."""
        if self.rate is None or self.cpu is None:
            return self.name, "not measured", "", "", ""
        rates = [each.timed.rate for each in self.told]
        spread = f"{self.rate:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        return self.name, spread, f"{self.ratio(plain) or 0:.2f}", f"{self.cpu:.2f}", self.told[-1].note


HEADER = ("", "messages/s", "÷ B-plain", "CPU s per 1,000", "")
