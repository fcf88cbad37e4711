"""Pages of a status or of some months in an order in which these stand behind all others."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from tests import factories
from webapp import keyset
from webapp.access import OPERATOR
from webapp.invoices import by_month, queries
from webapp.invoices.filters import InvoiceFilter
from webapp.keyset import Edge
from webapp.store.database import Database
from webapp.store.invoices import Invoice

FILTERS = (
    InvoiceFilter(status="approved"),
    InvoiceFilter(first=date(2026, 2, 1)),
    InvoiceFilter(status="closed", first=date(2026, 2, 1), last=date(2026, 3, 31)),
    InvoiceFilter(status="approved", currency="CHF"),
    InvoiceFilter(first=date(2026, 2, 1), currency="CHF"),
)


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Invoices of four months, of which none is few; pages of two."""
    for module, name, value in (
        *((queries, "WALKED_FIRST", 1), (queries, "WALKED_MAX", 3), (keyset, "PAGE_SIZE", 2)),
        ("webapp.invoices.narrowing", "FEW_MAX", 1),
    ):
        if isinstance(module, str):
            monkeypatch.setattr(f"{module}.{name}", value)
        else:
            monkeypatch.setattr(module, name, value)
    with database.writing() as session:
        payer = factories.customer(session, factories.cluster(session, "all"))
        for n in range(40):
            month = 1 + n % 4
            period = date(2026, month, 1), date(2026, month, 28)
            status = ("open", "approved", "closed")[n % 3]
            made = factories.invoice(session, payer, status=status, period=period, number=f"NT-{n * 7 % 40}")
            made.currency = ("EUR", "CHF")[n // 3 % 2]
            made.due_date = None if n % 5 == 0 else date(2026, month, 1 + n % 9)
    return database


@pytest.fixture(params=[2_000, 3, 1])
def read_max(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months that are read to their ends; of which a page is certain, or not, by what is read of them."""
    monkeypatch.setattr(by_month, "READ_MAX", request.param)


@pytest.mark.usefixtures("read_max")
@pytest.mark.parametrize("shown", FILTERS)
@pytest.mark.parametrize("sort", ["number", "-number", "due", "-due"])
def test_all_pages_together_are_all_in_order(filled: Database, shown: InvoiceFilter, sort: str) -> None:
    with filled.reading() as session:
        every = session.scalars(select(Invoice)).all()
        by_number = "number" in sort
        places = {each.id: each.number if by_number else str(each.due_date or date.max) for each in every}
        meant = sorted(every, key=lambda each: (places[each.id], each.id), reverse=sort.startswith("-"))
        wanted = [each.id for each in meant if _matches(each, shown)]
        found: list[int] = []
        edge: Edge | None = None
        while True:
            page, _ = queries.listing(session, OPERATOR, shown, sort, edge)
            found += [row.id for row in page.rows]
            if not page.next:
                break
            id, _, value = page.next.partition("~")
            edge = Edge(int(id), value, backwards=False)
    assert found == wanted


def test_very_many_months_are_not_merged(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_month, "PARTS_MAX", 2)
    test_all_pages_together_are_all_in_order(filled, FILTERS[0], "number")


def _matches(invoice: Invoice, shown: InvoiceFilter) -> bool:
    in_time = (shown.first or date.min) <= invoice.period_start and invoice.period_end <= (
        shown.last or date.max
    )
    return in_time and shown.status in ("", invoice.status) and shown.currency in ("", invoice.currency)
