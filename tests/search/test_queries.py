"""What is found, and its order, on both databases."""

from __future__ import annotations

import pytest

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.search import hits, mails
from webapp.search.queries import Found, find
from webapp.store.customers import Cluster
from webapp.store.statuses import Role
from webapp.workers import WorkerProcess


def looked_for(world: World, wanted: str, within: str = "", viewer: Viewer = OPERATOR) -> Found:
    with world.runtime.database.reading() as session:
        return find(session, viewer, wanted, within)


def counts(found: Found) -> dict[str, str]:
    return {name: str(group.count) for name, group in found.groups.items() if group.rows}


@pytest.fixture
def twelve(world: World, worker: WorkerProcess) -> int:
    """A run of twelve customers "Van der Veen", each with one invoice and a mail; its id."""
    with world.runtime.database.writing() as session:
        elsewhere = factories.cluster(session, "elsewhere", world.everybody)
        for n in range(12):
            home = elsewhere if n < 2 else world.everybody
            payer = factories.customer(session, home, f"veen{n}@x.test", name=f"Van der Veen {n:02d}")
            invoice = factories.invoice(session, payer, number=f"NT-{n:04d}")
            factories.document(session, world.runtime.documents, invoice)
        index_all(session)
    return world.deliver(worker)


def test_groups_are_counted_and_show_the_first(world: World, twelve: int) -> None:
    found = looked_for(world, "véén van")
    assert counts(found) == {"customers": "12", "invoices": "12", "mails": "12"}
    assert [len(group.rows) for group in found.groups.values()] == [8, 8, 0, 8, 0]
    more = looked_for(world, "veen", "addresses")
    assert [len(group.rows) for group in more.groups.values()] == [8, 8, 12, 8, 0]
    names = [row.customer.name for row in found.groups["customers"].rows]  # type: ignore[union-attr]
    assert names == [f"Van der Veen {n:02d}" for n in range(8)]
    first = found.groups["invoices"].rows[0]
    assert first.invoice.number == "NT-0011", "the newest first"  # type: ignore[union-attr]


def test_of_many_matches_the_first_are_found(
    world: World, twelve: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound lists are walked: also for a person who sees few of what matches."""
    monkeypatch.setattr(hits, "LOOKED_UP_MAX", 3)
    assert counts(looked_for(world, "veen")) == dict.fromkeys(
        ("customers", "invoices", "addresses", "mails"), "12"
    )
    with world.runtime.database.reading() as session:
        elsewhere = session.query(Cluster).filter_by(tag_name="elsewhere").one()
    bound = Viewer("left@x.test", Role.VIEWER, frozenset([elsewhere.id]))
    monkeypatch.setattr(mails, "MAILS_COUNTED_MAX", 1)
    found = looked_for(world, "veen", viewer=bound)
    assert counts(found) == {"customers": "2", "invoices": "2", "addresses": "2", "mails": "more than 1"}


def test_an_exact_code_of_two_letters_is_found(world: World, twelve: int) -> None:
    with world.runtime.database.writing() as session:
        factories.customer(session, world.everybody).code = "K1"
        index_all(session)
    found = looked_for(world, "K1")
    assert (counts(found), found.needs_more) == ({"customers": "1"}, True)
    assert counts(looked_for(world, "nt-0011")) == {"invoices": "1", "mails": "1"}
    assert counts(looked_for(world, f"run {twelve}")) == {"runs": "1"}
