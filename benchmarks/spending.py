"""What a piece of work in this process costs: time on the clock, and CPU time with that of the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.installation import Site


@dataclass
class Spent:
    """Seconds; `cpu` includes the database's own processes, where they can be seen."""

    seconds: float = 0.0
    cpu: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s (CPU {self.cpu:.2f} s)"


@contextmanager
def spending(site: Site) -> Iterator[Spent]:
    """What the block costs; known when it ends."""
    spent = Spent()
    cpu, began = site.cpu(), time.monotonic()
    yield spent
    spent.seconds, spent.cpu = time.monotonic() - began, site.cpu() - cpu
