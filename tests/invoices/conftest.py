"""Invoices as the pages find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest
from sqlalchemy import select

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp.store.customers import Cluster
from webapp.store.invoices import Invoice

SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))


@dataclass
class Shelf:
    """Number → id of the invoices, name → id of clusters and customers."""

    world: World
    ids: dict[str, int] = field(default_factory=dict)
    clusters: dict[str, int] = field(default_factory=dict)
    customers: dict[str, int] = field(default_factory=dict)

    def invoice(self, number: str) -> Invoice:
        """The invoice as it is now."""
        with self.world.runtime.database.reading() as session:
            return session.get_one(Invoice, self.ids[number])


@pytest.fixture
def shelf(world: World, branches: None) -> Shelf:
    """Five invoices: two in "left", one in "both" below left and right, two in "right"."""
    made = Shelf(world)
    rows = (
        ("NT-1", "left", "Ärzte am Markt", {"gross": "100.00"}),
        ("NT-2", "left", "Bakkerij Çelik", {"gross": "-20.00", "status": "open", "period": SEPTEMBER}),
        ("NT-3", "both", "Dijkstra", {"gross": "300.00", "currency": "CHF"}),
        ("NT-4", "right", "anna & co", {"gross": "7.50", "status": "closed", "period": SEPTEMBER}),
        ("NT-5", "right", "Zoë Visser", {"gross": "50.00"}),
    )
    with world.runtime.database.writing() as session:
        made.clusters = {name: id for name, id in session.execute(select(Cluster.tag_name, Cluster.id))}
        for number, home, name, given in rows:
            cluster = session.get_one(Cluster, made.clusters[home])
            payer = factories.customer(session, cluster, f"{home}@{number.lower()}.test", name=name)
            invoice = factories.invoice(session, payer, number=number, **given)  # type: ignore[arg-type]
            if number != "NT-5":
                factories.document(session, world.runtime.documents, invoice)
            if number in ("NT-1", "NT-3"):
                invoice.due_date = date(2026, 11, int(number[-1]))
            made.ids[number], made.customers[name] = invoice.id, payer.id
        index_all(session)
    return made
