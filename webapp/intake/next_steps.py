"""What is stored already of what a first run needs, in the order in which it is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, TransformationResult


@dataclass(frozen=True)
class Stored:
    """Whether there are any."""

    customers: bool
    invoices: bool
    documents: bool

    @property
    def next(self) -> str:
        """What to import next; run: nothing is missing."""
        for name in ("customers", "invoices", "documents"):
            if not getattr(self, name):
                return name
        return "run"


def stored(session: Session) -> Stored:
    """What there is of customers, invoices and documents."""

    def has(model: Any) -> bool:
        return session.scalar(select(model.id).limit(1)) is not None

    return Stored(has(Customer), has(Invoice), has(TransformationResult))
