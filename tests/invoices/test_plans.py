"""How SQLite reads the list of invoices. PostgreSQL plans by its statistics."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from tests.world import World
from webapp.access import OPERATOR
from webapp.invoices import queries
from webapp.invoices.filters import InvoiceFilter


@pytest.fixture
def many(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Invoices of which no filter leaves few."""
    if not world.runtime.database.is_sqlite:
        pytest.skip("PostgreSQL plans by its statistics")
    monkeypatch.setattr("webapp.invoices.narrowing.FEW_MAX", 1)
    for name in ("ann", "bob", "cid"):
        world.add(f"{name}@x.test")
    return world


def plans(world: World, shown: InvoiceFilter, sort: str, saying: str) -> list[list[str]]:
    """The plans of the statements of a page that say this, each as its steps."""
    said: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if saying in statement:
            said.append((statement, parameters))

    with world.runtime.database.reading() as session:
        event.listen(world.runtime.database.engine, "before_cursor_execute", note)
        queries.listing(session, OPERATOR, shown, sort, None)
        event.remove(world.runtime.database.engine, "before_cursor_execute", note)
        explained = (
            session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for statement, parameters in said
        )
        return [[row[3] for row in rows] for rows in explained]


@pytest.mark.parametrize("sort", ["customer", "-customer"])
def test_customers_are_read_first_in_their_order(many: World, sort: str) -> None:
    """Else all invoices are read, each customer is looked up, and all are sorted."""
    found = plans(many, InvoiceFilter(status="approved"), sort, "FROM customer JOIN invoice")
    assert found
    for plan in found:
        assert any("SCAN customer USING COVERING INDEX ix_customer_sort_name" in step for step in plan)


@pytest.mark.parametrize("sort", ["due", "-due", "number", "-number"])
def test_each_month_is_read_in_its_order(many: World, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    """Else all invoices of each month are read and sorted, only to take the first 51."""
    monkeypatch.setattr("webapp.invoices.queries.WALKED_MAX", 1)
    shown = InvoiceFilter(first=date(2026, 1, 1), last=date(2026, 12, 31))
    found = plans(many, shown, sort, "invoice.status = ? AND invoice.period_start = ?")
    assert found
    for plan in found:
        [read] = [step for step in plan if "invoice" in step]
        assert f"INDEX ix_invoice_status_{sort.removeprefix('-')} (status=? AND period_start=?)" in read
        assert not any("TEMP B-TREE" in step for step in plan[: plan.index(read) + 1])
