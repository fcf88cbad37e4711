"""Every table, imported once, for the migrations and for code that needs the whole metadata."""

from __future__ import annotations

from webapp.store import (
    approvals,
    bounces,
    counts,
    customers,
    definitions,
    installation,
    invoices,
    logins,
    mailservers,
    notices,
    plans,
    runs,
    users,
    workers,
)
from webapp.store.base import Base

__all__ = [
    "approvals",
    "bounces",
    "counts",
    "customers",
    "definitions",
    "installation",
    "invoices",
    "logins",
    "mailservers",
    "metadata",
    "notices",
    "plans",
    "runs",
    "users",
    "workers",
]

metadata = Base.metadata
