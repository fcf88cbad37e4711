"""A person bound to clusters learns of oddities of their own customers only: one side of a diamond tells
nothing of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.oddities.usual import SEPTEMBER, bill, mailed, note_domains, numbers, oddities, of_run, rows
from tests.world import World
from webapp.access import Viewer
from webapp.oddities.kinds import OddityKind
from webapp.store.customers import Cluster, Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Result
from webapp.store.statuses import Role


@dataclass
class Diamond:
    """Clusters "left" and "right" below "all", and "both" below these two; a customer's month in each."""

    world: World
    clusters: dict[str, int]

    def manager(self, name: str) -> Viewer:
        return Viewer(name, Role.MANAGER, frozenset({self.clusters[name]}))

    def add(self, name: str, *addresses: str, **fields: object) -> Customer:
        with self.world.runtime.database.writing() as session:
            payer = factories.customer(session, session.get_one(Cluster, self.clusters[name]), *addresses)
        bill(self.world, payer, **fields)  # type: ignore[arg-type]
        return payer


@pytest.fixture
def diamond(world: World, branches: None) -> Diamond:
    with world.runtime.database.reading() as session:
        clusters = {tag: id for id, tag in session.execute(select(Cluster.id, Cluster.tag_name))}
    return Diamond(world, clusters)


@pytest.mark.security("C2")
def test_c2_a_run_seen_in_part_is_compared_in_part(diamond: Diamond) -> None:
    for name in ("left", "right", "both"):
        diamond.add(name, period=SEPTEMBER)
    mailed(diamond.world)
    diamond.add("right")
    run_id = diamond.world.run()
    for name, before, gone in (("all", 3, 3), ("left", 2, 2), ("right", 2, 2), ("both", 1, 1)):
        found = of_run(diamond.world, run_id, diamond.manager(name))
        assert found.before.invoices == found.before.customers == before, name
        assert numbers(found) == {"gone": gone}, name
        assert found.totals.invoices == (1 if name in ("all", "right") else 0)


@pytest.mark.security("C2")
def test_c2_a_run_of_others_is_not_compared_with(diamond: Diamond) -> None:
    diamond.add("right", period=SEPTEMBER)
    mailed(diamond.world)
    diamond.add("left")
    assert of_run(diamond.world, diamond.world.run(), diamond.manager("left")).earlier is None


@pytest.mark.security("C2")
def test_c2_addresses_of_others_are_not_counted(diamond: Diamond) -> None:
    for name in ("left", "left", "right", "right", "both"):
        diamond.add(name, "shared@customers.test")
    run_id = diamond.world.run()
    assert numbers(of_run(diamond.world, run_id)) == {"shared_address": 1}
    for name in ("left", "right", "both"):
        assert numbers(of_run(diamond.world, run_id, diamond.manager(name))) == {}


@pytest.mark.security("C2")
def test_c2_whether_others_were_mailed_at_a_domain_does_not_show(diamond: Diamond) -> None:
    theirs, ours, _ = (
        diamond.add(name, f"{name}@{domain}.test", period=SEPTEMBER)
        for name, domain in (("right", "rival"), ("left", "ours"), ("both", "shared"))
    )
    mailed(diamond.world)
    with diamond.world.runtime.database.writing() as session:
        for result in session.scalars(select(Result)):
            domain = {theirs.id: "rival", ours.id: "ours"}.get(result.customer_id, "shared")
            result.recipients = [f"billing@{domain}.test"]
    note_domains(diamond.world)
    for domain in ("rival", "ours", "shared"):
        diamond.add("left", f"new@{domain}.test")
    left: Any = {"cluster_id": diamond.clusters["left"]}
    assert "new_domain" not in numbers(oddities(diamond.world, **left))
    assert numbers(oddities(diamond.world, diamond.manager("left"), **left))["new_domain"] == 1
    [row] = rows(diamond.world, OddityKind.NEW_DOMAIN, diamond.manager("left"), **left)
    assert row.notes == ["rival.test"]  # as for one that no one was mailed at


@pytest.mark.security("C2")
def test_c2_the_preview_takes_no_invoice_of_others(diamond: Diamond) -> None:
    ours = diamond.add("left")
    diamond.add("right")
    found = oddities(diamond.world, diamond.manager("left"))
    assert found.totals.invoices == 1
    with diamond.world.runtime.database.reading() as session:
        assert session.scalar(select(Invoice.id).where(Invoice.customer_id == ours.id))
