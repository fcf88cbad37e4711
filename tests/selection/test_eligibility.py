"""The conditions that keep an invoice from being sent."""

from __future__ import annotations

from sqlalchemy import literal

from webapp.selection.eligibility import Requirements, skip_conditions
from webapp.store.statuses import REASONS_OF_INVOICES


def test_every_reason_has_a_condition_and_they_stand_in_the_order_of_precedence() -> None:
    everything = Requirements(1, 1, transformations=(1,), password_key="pin")
    assert list(skip_conditions(everything, literal(1))) == list(REASONS_OF_INVOICES)
