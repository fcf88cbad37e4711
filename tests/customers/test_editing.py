"""Changes of one customer, on both databases: audited, remembered against the source, found afterwards, and
never lost to another person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp import sealed
from webapp.access import OPERATOR, Viewer
from webapp.customers import addresses, bulk, editing, secrets
from webapp.customers.editing import Facts
from webapp.edits import fingerprint
from webapp.errors import NotFound, Refused
from webapp.found_by import invoices_found
from webapp.store.customers import Cluster, Customer, CustomerEmail
from webapp.store.statuses import Origin, Role
from webapp.store.text_search import CUSTOMER_SEARCH, found_in
from webapp.store.users import AuditEntry, SourceValue


@pytest.fixture
def customer_id(world: World) -> int:
    payer, _ = world.add("old@customers.test", "second@customers.test")
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).extra = {"contract": "C-1", "pin": "1234"}
        index_all(session)
    return payer.id


def emails(session: Session, customer_id: int) -> list[tuple[str, str]]:
    rows = session.execute(
        select(CustomerEmail.address, CustomerEmail.origin)
        .where(CustomerEmail.customer_id == customer_id)
        .order_by(CustomerEmail.id)
    )
    return [(address, origin) for address, origin in rows]


def said_by_source(session: Session) -> dict[str, object]:
    return {row.field: row.value for row in session.scalars(select(SourceValue))}


def audited(session: Session, customer_id: int) -> list[str]:
    subject = f"customer {session.get_one(Customer, customer_id).code}"
    rows = session.scalars(select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id))
    return [f"{entry.action}: {entry.detail}" for entry in rows]


def seen_addresses(session: Session, customer_id: int) -> str:
    rows = select(CustomerEmail).where(CustomerEmail.customer_id == customer_id)
    return fingerprint(addresses.address_values(list(session.scalars(rows))))


def test_an_address_is_changed_in_place_and_the_source_remembered(world: World, customer_id: int) -> None:
    with world.runtime.database.writing() as session:
        seen = seen_addresses(session, customer_id)
        first = session.scalars(select(CustomerEmail.id).order_by(CustomerEmail.id)).first()
        assert first
        addresses.change_address(session, OPERATOR, first, " New@Bücher.example ", "Desk", seen)
    with world.runtime.database.reading() as session:
        stored = [("New@xn--bcher-kva.example", "changed"), ("second@customers.test", "source")]
        assert emails(session, customer_id) == stored
        remembered = [["old@customers.test", ""], ["second@customers.test", ""]]
        assert said_by_source(session) == {"emails.billing": remembered}
        [entry] = audited(session, customer_id)
        assert entry.startswith(
            "change: addresses for “billing”: old@customers.test, second@customers.test → "
        )
        assert session.scalars(found_in(session, CUSTOMER_SEARCH, "xn--bcher")).all() == [customer_id]


def test_an_added_address_is_the_persons_and_a_removed_one_is_remembered(
    world: World, customer_id: int
) -> None:
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session).id
        addresses.add_address(session, OPERATOR, customer_id, key, "mine@customers.test", "")
        assert said_by_source(session) == {}
        with pytest.raises(Refused, match="already"):
            addresses.add_address(session, OPERATOR, customer_id, key, "mine@customers.test", "")
        first = session.scalars(select(CustomerEmail.id).order_by(CustomerEmail.id)).first()
        assert first
        addresses.remove_address(session, OPERATOR, first, seen_addresses(session, customer_id))
    with world.runtime.database.reading() as session:
        assert emails(session, customer_id) == [
            ("second@customers.test", Origin.SOURCE),
            ("mine@customers.test", Origin.ADDED),
        ]
        assert list(said_by_source(session)) == ["emails.billing"]
        assert session.scalars(found_in(session, CUSTOMER_SEARCH, "old@cust")).all() == []


@pytest.mark.parametrize("address", ["no at sign", "a@b.test, c@d.test", "", "x@y@z", "a\n@b.test"])
def test_a_bad_address_is_refused_in_words(world: World, customer_id: int, address: str) -> None:
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session).id
        with pytest.raises(Refused, match=r"Write it as name@example\.com"):
            addresses.add_address(session, OPERATOR, customer_id, key, address, "")


def test_facts_are_changed_with_what_finds_them(world: World, customer_id: int) -> None:
    with world.runtime.database.writing() as session:
        other = factories.cluster(session, "other")
        before = editing.facts_of(session, session.get_one(Customer, customer_id))
        seen = fingerprint(before.values)
        assert not editing.change_facts(session, OPERATOR, customer_id, before, seen)
        assert editing.change_facts(session, OPERATOR, customer_id, Facts("Új Név", "other", "hu"), seen)
        with pytest.raises(Refused, match="changed by command line"):
            editing.change_facts(session, OPERATOR, customer_id, Facts("Lost?", "other", ""), seen)
    with world.runtime.database.reading() as session:
        stored = session.get_one(Customer, customer_id)
        assert (stored.name, stored.cluster_id, stored.sort_name) == ("Új Név", other.id, "uj nev")
        home = world.everybody.id
        assert said_by_source(session) == {"name": before.name, "cluster_id": home, "language": ""}
        assert len(invoices_found(session, "uj nev", 10)) == 1
        [entry] = audited(session, customer_id)
        assert entry.endswith(f"; cluster: {before.cluster} → other; language: nothing → hu")


@pytest.mark.security("C18")
def test_a_secret_is_in_no_audit_and_no_search(world: World, customer_id: int) -> None:
    with world.runtime.database.writing() as session:
        world.definition = session.merge(world.definition)
        world.definition.password_key = "pin"
        session.flush()
        values = editing.field_values(session, session.get_one(Customer, customer_id), "pin", is_secret=True)
        assert editing.set_field(session, OPERATOR, customer_id, "pin", "geheim99", fingerprint(values))
        with pytest.raises(Refused, match="changed by"):
            editing.set_field(session, OPERATOR, customer_id, "pin", "other", fingerprint(values))
        with pytest.raises(Refused, match="changed by"):
            editing.set_field(session, OPERATOR, customer_id, "pin", "other", None)
        assert editing.set_field(session, OPERATOR, customer_id, "fresh", "abcdef", None)
    with world.runtime.database.reading() as session:
        customer = session.get_one(Customer, customer_id)
        assert "geheim99" not in str(customer.extra)
        assert secrets.readable(session, customer, "pin") == "geheim99"
        assert audited(session, customer_id) == ["change: pin: ••••", "change: fresh: nothing → abcdef"]
        assert session.scalars(found_in(session, CUSTOMER_SEARCH, "geheim99")).all() == []
        assert session.scalars(found_in(session, CUSTOMER_SEARCH, "abcdef")).all() == [customer_id]
        said = said_by_source(session)["metadata.pin"]
        assert sealed.keys_of(session).open(customer.code, "pin", said) == "1234" != said


def test_a_manager_of_another_cluster_changes_nothing(world: World, customer_id: int) -> None:
    with world.runtime.database.writing() as session:
        elsewhere = factories.cluster(session, "elsewhere")
    stranger = Viewer("m@example.com", Role.MANAGER, frozenset({elsewhere.id}))
    key = 1
    changes: list[Callable[[Session], object]] = [
        lambda session: editing.change_facts(session, stranger, customer_id, Facts("x", "all", ""), ""),
        lambda session: addresses.add_address(session, stranger, customer_id, key, "a@b.test", ""),
        lambda session: addresses.remove_address(session, stranger, 1, ""),
        lambda session: editing.set_field(session, stranger, customer_id, "a", "b", None),
        lambda session: editing.note_shown(session, stranger, customer_id, "pin"),
    ]
    for change in changes:
        with pytest.raises(NotFound), world.runtime.database.writing() as session:
            change(session)
    own = Viewer("o@example.com", Role.MANAGER, frozenset({world.everybody.id}))
    with world.runtime.database.writing() as session:
        seen = fingerprint(editing.facts_of(session, session.get_one(Customer, customer_id)).values)
        with pytest.raises(Refused, match="no cluster “elsewhere”"):
            editing.change_facts(session, own, customer_id, Facts("x", "elsewhere", ""), seen)


def test_many_are_moved_suspended_and_resumed(world: World, customer_id: int) -> None:
    other, _ = world.add()
    with world.runtime.database.writing() as session:
        to = factories.cluster(session, "to")
        home = [Customer.cluster_id == world.everybody.id]
        told = bulk.reach(session, home)
        assert (told.customers, told.invoices, told.clusters) == (2, 2, [("all", 2)])
        assert bulk.move(session, OPERATOR, home, to) == 2
        assert bulk.move(session, OPERATOR, [Customer.cluster_id == to.id], to) == 0
        both = [Customer.id.in_((customer_id, other.id))]
        assert bulk.suspend(session, OPERATOR, both, "owes us money") == 2
        assert bulk.suspend(session, OPERATOR, both, "") == 0
        assert bulk.reach(session, both).suspended == 2
        assert bulk.resume(session, OPERATOR, [Customer.id == other.id]) == 1
    with world.runtime.database.reading() as session:
        states = session.execute(select(Customer.cluster_id, Customer.suspended).order_by(Customer.id)).all()
        assert [tuple(row) for row in states] == [(to.id, True), (to.id, False)]
        assert audited(session, customer_id) == ["change: cluster: all → to", "suspend: owes us money"]
        rows = session.scalars(select(SourceValue).order_by(SourceValue.subject_id)).all()
        assert [(row.subject_id, row.field, row.value) for row in rows] == [
            (customer_id, "cluster_id", world.everybody.id),
            (other.id, "cluster_id", world.everybody.id),
        ]
        assert session.get_one(Cluster, to.id).tag_name == "to"
