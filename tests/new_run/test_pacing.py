"""How many customers the next slice of a run's results has."""

from __future__ import annotations

import pytest

from webapp.new_run.pacing import (
    SLICE_CUSTOMERS_MAX,
    SLICE_CUSTOMERS_MAX_SHARED,
    SLICE_CUSTOMERS_MIN,
    SlicePacing,
)


@pytest.mark.parametrize(
    ("customers", "seconds", "shared", "following"),
    [
        (1_000, 0.8, False, 1_000),  # as long as it may take
        (1_000, 0.4, False, 2_000),
        (1_000, 1.6, False, 500),
        (1_000, 0.001, False, 4_000),  # never more than four times as many
        (90_000, 0.1, False, SLICE_CUSTOMERS_MAX),
        (110, 60.0, False, SLICE_CUSTOMERS_MIN),
        (1_000, 0.15, True, 1_000),
        (1_000, 0.3, True, 500),
        (90_000, 0.1, True, SLICE_CUSTOMERS_MAX_SHARED),
    ],
)
def test_the_next_slice_takes_as_long_as_it_may(
    customers: int, seconds: float, shared: bool, following: int
) -> None:
    assert SlicePacing(customers).after(seconds, shared=shared).customers == following
