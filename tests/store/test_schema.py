"""The migrations give exactly the tables that the code declares, and the tables refuse wrong states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from tests import factories
from webapp import migrations
from webapp.store.customers import ClusterParent
from webapp.store.database import Database
from webapp.store.invoices import Invoice
from webapp.store.mailservers import MailServer
from webapp.store.tables import metadata


def test_migrations_and_tables_agree(database: Database) -> None:
    has, needs = migrations.versions(database)
    assert has == needs
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_object": _is_of(connection.dialect.name)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def _is_of(dialect: str) -> Callable[..., bool]:
    """Leaves out what the code declares for the other database alone, and the search tables: SQLite keeps
    each in several (FTS5), and no declaration can say that."""

    def is_of(item: Any, name: str | None, kind: str, *_: object) -> bool:
        if kind == "table" and (name or "").startswith(("customer_search", "invoice_search")):
            return False
        only = getattr(item, "_ddl_if", None)
        return only is None or only.dialect == dialect

    return is_of


def test_a_circle_among_clusters_is_refused(database: Database) -> None:
    with database.writing() as session:
        top = factories.cluster(session, "top")
        middle = factories.cluster(session, "middle", top)
        bottom = factories.cluster(session, "bottom", middle, top)
    with pytest.raises(IntegrityError, match="circle"), database.writing() as session:
        session.add(ClusterParent(child_id=top.id, parent_id=bottom.id))


def test_an_unknown_status_is_refused(database: Database) -> None:
    with database.writing() as session:
        payer = factories.customer(session, factories.cluster(session, "all"))
    with pytest.raises(IntegrityError), database.writing() as session:
        factories.invoice(session, payer, status="maybe")


def test_amounts_are_exact_and_add_up_in_sql(database: Database) -> None:
    with database.writing() as session:
        payer = factories.customer(session, factories.cluster(session, "all"))
        for amount in ("0.10", "0.20", "-1234567890.1234"):
            factories.invoice(session, payer, gross=amount)
    with database.reading() as session:
        assert session.scalar(select(func.sum(Invoice.gross_amount))) == Decimal("-1234567889.8234")
        smallest = session.scalar(select(func.min(Invoice.gross_amount)))
        assert str(smallest) == "-1234567890.1234"
        assert str(session.scalar(select(func.max(Invoice.gross_amount)))) == "0.20"


def test_instants_come_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 11, 23, 10, 54, 1, 123456, tzinfo=UTC)
    with database.writing() as session:
        server = factories.mail_server(session, next_try_at=moment)
    with database.writing() as session, pytest.raises(Exception, match="time zone"):
        session.execute(update(MailServer).values(next_try_at=datetime(2026, 1, 1)))  # noqa: DTZ001
    with database.reading() as session:
        assert session.get_one(MailServer, server.id).next_try_at == moment
