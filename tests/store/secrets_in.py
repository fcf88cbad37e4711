"""Looks for passwords in everything that an installation keeps."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from webapp.extensions import Runtime
from webapp.sealed import is_sealed, keys_of
from webapp.store.customers import Customer
from webapp.store.tables import metadata


def dump(runtime: Runtime) -> str:
    """Every row of every table, search tables included, as a dump of the database has them."""
    tables = [*metadata.tables, "customer_search", "invoice_search"]
    with runtime.database.reading() as session:
        rows = (session.execute(text(f"SELECT * FROM {table}")).all() for table in tables)  # noqa: S608
        return repr([list(map(tuple, each)) for each in rows])


def files_with(folder: Path, secret: str) -> list[str]:
    """The files below this folder that have these bytes anywhere."""
    found = (path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes())
    return sorted(str(path.relative_to(folder)) for path in found)


def password_of(runtime: Runtime, customer_id: int, name: str = "pin") -> str:
    """What the customer's documents open with; the stored value must be sealed."""
    with runtime.database.reading() as session:
        customer = session.get_one(Customer, customer_id)
        assert is_sealed(customer.extra[name])
        return keys_of(session).open(customer.code, name, customer.extra[name])
