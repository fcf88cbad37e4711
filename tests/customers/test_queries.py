"""What the pages about customers read, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp import keyset
from webapp.access import OPERATOR, Viewer
from webapp.customers import cluster_ways, counting, detail, export, filters, queries
from webapp.customers.filters import ORDERS, CustomerFilter
from webapp.customers.would import would_do
from webapp.keyset import Edge
from webapp.store.customers import Customer
from webapp.store.statuses import Role

NAMES = ("Zoë", "Ärzte", "Bakkerij Çelik", "anna 100%", "Dijkstra")


@pytest.fixture
def five(world: World) -> World:
    with world.runtime.database.writing() as session:
        below = factories.cluster(session, "below", world.everybody)
        for name in NAMES:
            home = below if name.startswith(("Z", "D")) else world.everybody
            payer = factories.customer(session, home, *([""] if name == "Dijkstra" else []), name=name)
            payer.suspended = name == "Ärzte"
            factories.invoice(session, payer)
        index_all(session)
    return world


def names(session: Session, shown: CustomerFilter, sort: str = "", viewer: Viewer = OPERATOR) -> list[str]:
    """Every name that matches, page by page."""
    order = ORDERS[sort.removeprefix("-")]
    order = order.reversed if sort.startswith("-") else order
    found: list[str] = []
    edge: Edge | None = None
    while True:
        page, _ = queries.listing(session, viewer, shown, order, edge)
        found += [row.customer.name for row in page.rows]
        if not page.next:
            return found
        id, _, value = page.next.partition("~")
        edge = Edge(int(id), value, backwards=False)


@pytest.mark.parametrize("how", ["few", "walked", "among the hits", "sorted"])
def test_each_filter_in_each_order(five: World, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(keyset, "PAGE_SIZE", 2)
    if how != "few":
        monkeypatch.setattr(keyset, "LOOKED_UP_MAX", 0)
        monkeypatch.setattr(filters, "SEARCHED_MAX", 0)
        monkeypatch.setattr(filters, "FEW_CUSTOMERS_MAX", 0)
    if how in ("among the hits", "sorted"):
        monkeypatch.setattr(queries, "WALKED_MAX", 3)
        monkeypatch.setattr(queries, "HITS_AT_ONCE", 1)
        monkeypatch.setattr(queries, "WALKED_FOR_WORDS_MAX", 3)
    if how == "sorted":
        monkeypatch.setattr(filters, "HASHED_MAX", 0)
    with five.runtime.database.reading() as session:
        by_name = ["anna 100%", "Ärzte", "Bakkerij Çelik", "Dijkstra", "Zoë"]
        assert names(session, CustomerFilter()) == by_name
        assert names(session, CustomerFilter(), "-") == by_name[::-1]
        assert names(session, CustomerFilter(), "-code") == list(NAMES[::-1])
        assert names(session, CustomerFilter(search="celik bak")) == ["Bakkerij Çelik"]
        assert names(session, CustomerFilter(search="00%")) == ["anna 100%"]
        assert names(session, CustomerFilter(search="zo")) == ["Zoë"]
        with_address = [name for name in by_name if name != "Dijkstra"]
        assert names(session, CustomerFilter(search="@customers")) == with_address
        assert names(session, CustomerFilter(search="zzlin @customers"), "-code") == []
        in_below = CustomerFilter(search="@customers", cluster="below")
        assert names(session, in_below, "-") == ["Zoë"]
        assert names(session, CustomerFilter(cluster="below")) == ["Dijkstra", "Zoë"]
        assert names(session, CustomerFilter(cluster="all", include_children=True)) == by_name
        assert names(session, CustomerFilter(missing="billing", state="active")) == ["Dijkstra"]
        assert names(session, CustomerFilter(state="suspended")) == ["Ärzte"]
        assert names(session, CustomerFilter(state="fix")) == []
        with pytest.raises(ValueError, match="no state"):
            names(session, CustomerFilter(state="x"))


def test_a_manager_sees_only_what_is_below(five: World) -> None:
    with five.runtime.database.reading() as session:
        below = session.scalars(select(Customer.cluster_id).where(Customer.name == "Zoë")).one()
        viewer = Viewer("m@example.com", Role.MANAGER, frozenset({below}))
        assert names(session, CustomerFilter(search="customers"), viewer=viewer) == ["Zoë"]
        assert names(session, CustomerFilter(cluster="all", include_children=True), viewer=viewer) == []
        counts = counting.state_counts(session, viewer, CustomerFilter())
        assert {state: count.n for state, count in counts.items()} == {
            "": 2, "active": 2, "suspended": 0, "fix": 0,
        }  # fmt: skip
        lines = list(export.customers(session, viewer, CustomerFilter()))
        assert [line["name"] for line in lines] == ["Zoë", "Dijkstra"]
        assert cluster_ways.ways_to(session, viewer, below) == []
        assert cluster_ways.ways_to(session, OPERATOR, below) == [["all"]]


def test_a_row_and_a_page_know_what_they_show(five: World) -> None:
    run_id = five.run()
    with five.runtime.database.reading() as session:
        page, count = queries.listing(session, OPERATOR, CustomerFilter(), ORDERS[""], None)
        row = next(row for row in page.rows if row.customer.name == "Zoë")
        assert (count.n, row.cluster, row.addresses, row.open_invoices) == (5, "below", {"billing": 1}, 1)
        assert {code: str(gross) for code, gross in row.amounts.items()} == {"EUR": "121.00"}
        assert row.last is not None
        assert (row.last.run_id, row.last.reason) == (run_id, "no_attachment")
        mails = detail.mails(session, OPERATOR, row.customer, None)
        assert [(mail.run.id, mail.invoices) for mail in mails.rows] == [(run_id, 1)]
        assert detail.count_mails(session, OPERATOR, row.customer)[0] == 1
        assert [line.documents for line in detail.invoices(session, row.customer)] == [[]]
        [line] = would_do(session, OPERATOR, row.customer).lines
        assert (line.reason, line.transformations) == ("no_attachment", ["Invoice PDF"])
        assert detail.open_invoices(session, row.customer).n == 1
        fix = counting.state_counts(session, OPERATOR, CustomerFilter())["fix"]
        assert fix.n == 1
