"""Every table, imported once, for the migrations and for whoever wants the whole metadata."""

from __future__ import annotations

from webapp.store import (
    acyclic,
    customers,
    definitions,
    installation,
    invoices,
    mailservers,
    people,
    runs,
    workers,
)
from webapp.store.base import Base

__all__ = [
    "acyclic",
    "customers",
    "definitions",
    "installation",
    "invoices",
    "mailservers",
    "metadata",
    "people",
    "runs",
    "workers",
]

metadata = Base.metadata
