"""How many customers each slice of a run's results has."""

from __future__ import annotations

from dataclasses import dataclass

SLICE_CUSTOMERS_FIRST, SLICE_CUSTOMERS_MIN = 1_000, 100
SLICE_CUSTOMERS_MAX, SLICE_CUSTOMERS_MAX_SHARED = 100_000, 20_000
"""At most, alone and while other runs send. How many invoices the next customers have is not known
beforehand."""
SLICE_SECONDS, SLICE_SECONDS_SHARED = 0.8, 0.15
"""How long a slice may take, alone and while other runs send. On SQLite every other writer waits
meanwhile."""
SLICE_GROWTH_MAX = 4.0


@dataclass(frozen=True)
class SlicePacing:
    """The number of customers of the next slice."""

    customers: int

    def after(self, seconds: float, *, shared: bool) -> SlicePacing:
        """The pacing after a slice that took this long: the next one shall take as long as it may. `shared`:
        other runs send."""
        allowed = SLICE_SECONDS_SHARED if shared else SLICE_SECONDS
        largest = SLICE_CUSTOMERS_MAX_SHARED if shared else SLICE_CUSTOMERS_MAX
        wanted = int(self.customers * min(SLICE_GROWTH_MAX, allowed / seconds))
        return SlicePacing(min(largest, max(SLICE_CUSTOMERS_MIN, wanted)))
