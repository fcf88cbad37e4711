"""Customer clusters (a directed acyclic graph), customers, and their addresses under recipient keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    literal,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from webapp.store.base import Base, one_of
from webapp.store.statuses import Origin
from webapp.store.types import Instant, Json, Key


class Cluster(Base):
    __tablename__ = "cluster"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    tag_name: Mapped[str] = mapped_column(String(200), unique=True)


class ClusterParent(Base):
    """An edge of the graph. A trigger (migrations/cluster_triggers.py) refuses one that closes a circle."""

    __tablename__ = "cluster_parent"
    __table_args__ = (CheckConstraint("child_id <> parent_id", name="not_its_own_parent"),)

    child_id: Mapped[int] = mapped_column(ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True)
    parent_id: Mapped[int] = mapped_column(
        ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class RecipientKey(Base):
    __tablename__ = "recipient_key"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")


class Customer(Base):
    """`sort_name` is the name folded for sorting, `address_keys` the ids of the recipient keys under which
    the customer has an address, as ",1,3," (webapp/found_by.py). `erased_at`: when its personal data were
    erased; none come back (privacy/erasing.py)."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_sort_name", "sort_name", "id"),
        Index("ix_customer_cluster_id", "cluster_id", "address_keys", "id"),
        Index("ix_customer_address_keys", "address_keys", "sort_name", "id"),
        Index("ix_customer_suspended", "sort_name", "id", sqlite_where=text("suspended IS 1"),
              postgresql_where=text("suspended IS true")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    sort_name: Mapped[str] = mapped_column(Text, default="", server_default="")
    address_keys: Mapped[str] = mapped_column(Text, default="", server_default="")
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"))
    language: Mapped[str] = mapped_column(String(16), default="")
    suspended: Mapped[bool] = mapped_column(default=False)
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    erased_at: Mapped[datetime | None] = mapped_column(Instant)


OF_PEOPLE = text("origin <> 'source'")
"""Of what the partial indices are: the few addresses and documents that a person added or changed."""


class CustomerEmail(Base):
    __tablename__ = "customer_email"
    __table_args__ = (
        UniqueConstraint("customer_id", "recipient_key_id", "address"),
        one_of("origin", Origin),
        Index("ix_customer_email_of_people", "id", sqlite_where=OF_PEOPLE, postgresql_where=OF_PEOPLE),
        Index("ix_customer_email_lower_address", text("lower(address)")),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    recipient_key_id: Mapped[int] = mapped_column(ForeignKey("recipient_key.id"))
    address: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(300), default="")
    origin: Mapped[str] = mapped_column(String(8), default=Origin.SOURCE, server_default="source")


class MailedDomain(Base):
    """A domain at which a finished run has sent this customer a mail (oddities/domains.py)."""

    __tablename__ = "mailed_domain"

    domain: Mapped[str] = mapped_column(String(254), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)


class DomainsNoted(Base):
    """The domains of this run are in MailedDomain, as it was when it finished at this time."""

    __tablename__ = "domains_noted"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("run.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    finished_at: Mapped[datetime] = mapped_column(Instant)


class metadata_text(FunctionElement[str]):
    """`metadata_text(metadata, name)`: the text in this field, NULL without one.

    SQLite's json_extract takes a path, in which not every name can be written, and compares names as they are
    stored: with their letters escaped."""

    type = String()
    inherit_cache = True


@compiles(metadata_text, "sqlite")
def _in_sqlite(element: metadata_text, compiler: SQLCompiler, **options: Any) -> str:
    metadata, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(SELECT value FROM json_each({metadata}) WHERE key = {name})"  # noqa: S608  # both written by SQLAlchemy


@compiles(metadata_text, "postgresql")
def _in_postgresql(element: metadata_text, compiler: SQLCompiler, **options: Any) -> str:
    metadata, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({metadata} ->> {name})"


def has_metadata(name: str) -> ColumnElement[bool]:
    """Whether the current Customer has something other than blanks in this field of its metadata."""
    return func.trim(func.coalesce(metadata_text(Customer.extra, literal(name, String)), "")) != ""
