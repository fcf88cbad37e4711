"""Every table, imported once, for the migrations and for code that needs the whole metadata."""

from __future__ import annotations

from webapp.store import (
    customers,
    definitions,
    factors,
    installation,
    invoices,
    mailservers,
    runs,
    users,
    workers,
)
from webapp.store.base import Base

__all__ = [
    "customers",
    "definitions",
    "factors",
    "installation",
    "invoices",
    "mailservers",
    "metadata",
    "runs",
    "users",
    "workers",
]

metadata = Base.metadata
