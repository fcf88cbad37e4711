"""The temporary tables that a folder is read into, as they are on both databases.

They belong to one connection and vanish with it. On SQLite they are in a file of their own, so that filling
them never takes the write lock of the database. A value that was found wrong is NULL: its row is kept, since
other rows may refer to it, and must not be told that it is unknown."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Integer, MetaData, String, Table, Text

from webapp.store.types import Json, Key, Money

metadata = MetaData()


def _table(name: str, *columns: Column[object]) -> Table:
    line: Column[int] = Column("line", Key, primary_key=True, autoincrement=False)
    return Table(f"staged_{name}", metadata, line, *columns, prefixes=["TEMPORARY"])


def _known(name: str) -> Table:
    """Which staged rows the database has already, under which id, and whether they differ from it."""
    return Table(
        f"known_{name}",
        metadata,
        Column("line", Key, primary_key=True, autoincrement=False),
        Column("id", Key),
        Column("differs", Boolean),
        prefixes=["TEMPORARY"],
    )


CLUSTER = _table("cluster", Column("tag_name", String))
CUSTOMER = _table(
    "customer",
    Column("code", String),
    Column("name", String),
    Column("cluster", String),
    Column("language", String),
    Column("suspended", Boolean),
    Column("metadata", Json),
)
EMAIL = _table(
    "email",
    Column("customer_code", String),
    Column("key", String),
    Column("address", String),
    Column("display_name", String),
)
INVOICE = _table(
    "invoice",
    Column("number", String),
    Column("customer_code", String),
    Column("status", String),
    Column("period_start", Date),
    Column("period_end", Date),
    Column("issue_date", Date),
    Column("due_date", Date),
    Column("currency", String),
    Column("net_amount", Money),
    Column("tax_amount", Money),
    Column("gross_amount", Money),
    Column("data", Json),
)
RESULT = _table(
    "result",
    Column("invoice_number", String),
    Column("transformation", String),
    Column("file_name", String),
    Column("media_type", String),
    Column("size", Integer),
    Column("sha256", String),
)
DOCUMENT = _table("document", Column("sha256", String), Column("size", Integer), Column("path", Text))
"""The files behind the results, each once or a few times; `line` merely numbers them."""

CHANGED_HERE = _table(
    "changed_here",
    Column("subject", String),
    Column("owner", String),
    Column("field", String),
    Column("value", Json),
)
"""What the source had said of values that people changed where the folder was exported from."""
CLUSTER_ID, CLUSTER_FIELD = "cluster_id", "cluster"
"""The field of a customer's cluster as it is remembered, by id, and as the file has it, by tag name."""
ROW_OF_PEOPLE = _table(
    "row_of_people",
    Column("owner", String),
    Column("field", String),
    Column("item", String),
    Column("origin", String),
)
"""The addresses and documents that people added or changed there; `line` merely numbers them."""

RECIPIENT_KEY = _table("recipient_key", Column("key", String))
TRANSFORMATION = _table("transformation", Column("name", String))

KNOWN = {
    table.name: _known(table.name.removeprefix("staged_"))
    for table in (CLUSTER, CUSTOMER, EMAIL, INVOICE, RESULT)
}


def _ids(word: str, name: str) -> Table:
    """The ids of stored rows, for one purpose."""
    return Table(
        f"{word}_{name}",
        metadata,
        Column("id", Key, primary_key=True, autoincrement=False),
        prefixes=["TEMPORARY"],
    )


REMOVED = {table.name: _ids("removed", table.name.removeprefix("staged_")) for table in (EMAIL, RESULT)}
"""Stored rows that the folder no longer names."""
SPARED = {table.name: _ids("spared", table.name.removeprefix("staged_")) for table in (EMAIL, RESULT)}
"""Stored rows that stay, though the folder names others: a person changed the set, and the source did not."""


def _kept(source: Table, *fixed: str) -> Table:
    """Which values of staged rows do not count, since a person changed them and the source did not. The
    column of free fields has those that do count, for a row where some do not."""
    columns = [column for column in source.columns if column.name not in ("line", *fixed)]
    return Table(
        f"kept_{source.name.removeprefix('staged_')}",
        metadata,
        Column("line", Key, primary_key=True, autoincrement=False),
        *(Column(each.name, each.type if each.type is Json else Boolean) for each in columns),
        prefixes=["TEMPORARY"],
    )


KEPT = {
    CUSTOMER.name: _kept(CUSTOMER, "code"),
    INVOICE.name: _kept(INVOICE, "number", "customer_code"),
    EMAIL.name: _kept(EMAIL, *EMAIL.columns.keys()),
    RESULT.name: _kept(RESULT, *RESULT.columns.keys()),
}
"""Of addresses and documents: the rows of the file that do not count at all."""

TOUCHED_CUSTOMER = _ids("touched", "customer")
"""Those that must be indexed again (touched.py)."""
