"""How the database reads the list of invoices."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from tests.world import World
from webapp.access import OPERATOR
from webapp.invoices import queries
from webapp.invoices.filters import InvoiceFilter


@pytest.mark.parametrize("sort", ["customer", "-customer"])
def test_sqlite_reads_customers_first_in_their_order(
    world: World, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it reads all invoices, looks each customer up, and sorts them all."""
    if not world.runtime.database.is_sqlite:
        pytest.skip("PostgreSQL plans by its statistics")
    monkeypatch.setattr("webapp.invoices.filters.FEW_MAX", 1)
    for name in ("ann", "bob", "cid"):
        world.add(f"{name}@x.test")
    engine, said = world.runtime.database.engine, list[tuple[str, object]]()

    def note(
        _connection: object, _cursor: object, statement: str, parameters: object, *_more: object
    ) -> None:
        said.append((statement, parameters))

    with world.runtime.database.reading() as session:
        event.listen(engine, "before_cursor_execute", note)
        queries.listing(session, OPERATOR, InvoiceFilter(status="approved"), sort, None)
        event.remove(engine, "before_cursor_execute", note)
        walks = [each for each in said if "FROM customer JOIN invoice" in each[0]]
        for statement, parameters in walks:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            assert any("SCAN customer USING COVERING INDEX ix_customer_sort_name" in row[3] for row in plan)
    assert walks
