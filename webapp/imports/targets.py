"""Where the staged rows go: for every CSV file its table, and what each column gets from the staged row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, case, false, func
from sqlalchemy.sql.type_api import TypeEngine

from webapp.imports import staged
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.types import Json

STAGED_CLUSTER, STAGED_CUSTOMER = staged.CLUSTER.c, staged.CUSTOMER.c
STAGED_EMAIL, STAGED_INVOICE, STAGED_RESULT = staged.EMAIL.c, staged.INVOICE.c, staged.RESULT.c


@dataclass(frozen=True)
class Target:
    """`source` is the staging table joined to what its rows refer to; `values` are the columns of a new row.
    `natural` columns find the row that is stored already, `fixed` ones cannot change. Where the folder has
    any row with the same `scope` columns, it has all of them: other stored rows of that scope are removed."""

    staged: Table
    stored: Table
    source: FromClause
    values: dict[str, ColumnElement[Any]]
    natural: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    resets: tuple[str, str] = ("", "")
    """(a column, another that is emptied when that one changes)"""
    scope: tuple[str, ...] = ()
    keeps: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    """By column: whether the stored value stays, since a person changed it and the source did not."""
    is_judged: bool = False
    """Whether `kept` has any rows."""

    @property
    def kept(self) -> Table:
        """The staging table of what does not count, since a person changed it (kept.py)."""
        return staged.KEPT[self.staged.name]

    @property
    def known(self) -> Table:
        """The staging table of what is stored already."""
        return staged.KNOWN[self.staged.name]

    @property
    def changing(self) -> list[str]:
        """The columns that an import can change."""
        return [name for name in self.values if name not in (*self.natural, *self.fixed)]


def _table(model: type[Any]) -> Table:
    table: Table = model.__table__
    return table


CLUSTER = Target(
    staged=staged.CLUSTER,
    stored=_table(Cluster),
    source=staged.CLUSTER,
    values={"tag_name": STAGED_CLUSTER.tag_name},
    natural=("tag_name",),
)
CUSTOMER = Target(
    staged=staged.CUSTOMER,
    stored=_table(Customer),
    source=staged.CUSTOMER.outerjoin(_table(Cluster), Cluster.tag_name == STAGED_CUSTOMER.cluster),
    values={
        "code": STAGED_CUSTOMER.code,
        "name": STAGED_CUSTOMER.name,
        "cluster_id": _table(Cluster).c.id,
        "language": STAGED_CUSTOMER.language,
        "suspended": STAGED_CUSTOMER.suspended,
        "metadata": STAGED_CUSTOMER.metadata,
    },
    natural=("code",),
)
EMAIL = Target(
    staged=staged.EMAIL,
    stored=_table(CustomerEmail),
    source=staged.EMAIL.outerjoin(_table(Customer), Customer.code == STAGED_EMAIL.customer_code).outerjoin(
        _table(RecipientKey), RecipientKey.key == STAGED_EMAIL.key
    ),
    values={
        "customer_id": _table(Customer).c.id,
        "recipient_key_id": _table(RecipientKey).c.id,
        "address": STAGED_EMAIL.address,
        "display_name": STAGED_EMAIL.display_name,
    },
    natural=("customer_id", "recipient_key_id", "address"),
    scope=("customer_id", "recipient_key_id"),
)
INVOICE = Target(
    staged=staged.INVOICE,
    stored=_table(Invoice),
    source=staged.INVOICE.outerjoin(_table(Customer), Customer.code == STAGED_INVOICE.customer_code),
    values={
        "customer_id": _table(Customer).c.id,
        **{column.name: column for column in STAGED_INVOICE if column.name not in ("line", "customer_code")},
    },
    natural=("number",),
    fixed=("customer_id",),
)
RESULT = Target(
    staged=staged.RESULT,
    stored=_table(TransformationResult),
    source=staged.RESULT.outerjoin(_table(Invoice), Invoice.number == STAGED_RESULT.invoice_number).outerjoin(
        _table(Transformation), Transformation.name == STAGED_RESULT.transformation
    ),
    values={
        "invoice_id": _table(Invoice).c.id,
        "transformation_id": _table(Transformation).c.id,
        **{name: STAGED_RESULT[name] for name in ("file_name", "media_type", "size", "sha256")},
    },
    natural=("invoice_id", "transformation_id", "file_name"),
    scope=("invoice_id", "transformation_id"),
    resets=("media_type", "found_in"),  # a document is read by its type (documents/document_checks.py)
)

TARGETS = (CLUSTER, CUSTOMER, EMAIL, INVOICE, RESULT)
"""In the order in which they are stored: each refers to those before it only."""


def respecting_people(target: Target) -> Target:
    """The target with what is in its `kept`: those values stay as they are stored."""
    if target.scope:
        return replace(target, is_judged=True)
    kept = target.kept.c
    [free] = [name for name in target.changing if is_json(target.stored.c[name].type)]
    return replace(
        target,
        is_judged=True,
        source=target.source.outerjoin(target.kept, kept.line == target.staged.c.line),
        values={**target.values, free: func.coalesce(kept[free], target.values[free], type_=Json)},
        keeps={name: kept[name.removesuffix("_id")] for name in target.changing if name != free},
    )


def of_new(target: Target, name: str) -> ColumnElement[Any]:
    """What a new row gets in this column."""
    value = target.values[name]
    return func.coalesce(value, false()) if name == "suspended" else value


def of_changed(dialect: str, target: Target, name: str) -> ColumnElement[Any]:
    """What the stored row gets: names of a JSON object that are not in the file stay, and so does whether the
    customer is suspended if the file does not say."""
    value, old = target.values[name], target.stored.c[name]
    if is_json(old.type):
        return merged_json(dialect, old, value)
    if name == "suspended":
        value = func.coalesce(value, old)
    return case((target.keeps[name].is_(True), old), else_=value) if name in target.keeps else value


def is_json(kind: TypeEngine[Any]) -> bool:
    """Whether a column of this type holds a JSON object."""
    return kind is Json


def merged_json(dialect: str, old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The old object with the names of the new one put over it."""
    if dialect == "postgresql":
        return old.op("||", return_type=Json)(new)
    return func.json_patch(old, new, type_=Json)


def same_spelling(dialect: str, old: ColumnElement[Any]) -> ColumnElement[Any]:
    """The stored object as `merged_json` would spell it, so that both can be compared."""
    return old if dialect == "postgresql" else func.json(old, type_=Json)
