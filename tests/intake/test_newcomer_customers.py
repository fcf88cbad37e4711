"""Customers and their addresses, as a newcomer has them in one file."""

from __future__ import annotations

from sqlalchemy import select

from tests import factories
from tests.http_client import Browser
from tests.intake.conftest import Work
from tests.intake.exports import WITH_ADDRESSES
from tests.intake.newcomer import applied, customers_here, send
from tests.intake.pages import correct, page
from tests.world import World
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail


def test_18_customers_and_their_addresses_come_in_one_file(
    browser: Browser, world: World, work_on: Work
) -> None:
    set_id = send(browser, klanten=WITH_ADDRESSES)
    checked = work_on(set_id)
    assert checked.files[0]["columns"]["E-mail"] == "email.billing"
    seen = page(browser, f"/imports/{set_id}")
    assert "1 error" not in seen.replace("4 errors", "")
    assert "there are no clusters “Zuid”, “Noord” lines 2, 3, 4, 5" in seen
    assert "Create the 2 clusters that are missing: Zuid, Noord" in seen
    assert "Email address for key “billing”" in seen
    assert "1 line of klanten.csv has no email address, so it names none: line 5." in seen
    correct(browser, set_id, **{"0-clusters": "1", "0-clusters-below": world.everybody.tag_name})
    checked = work_on(set_id)
    counts = {each["words"]: each["new"] for each in checked.summary["counts"]}
    assert counts == {"customer clusters": 2, "customers": 4, "customer emails": 3}
    seen = page(browser, f"/imports/{set_id}")
    assert "Müller Installatie B.V.; Zuid; nl" in seen
    assert "K1001 billing administratie@bakkerij-zoe.example" in seen
    applied(browser, set_id, work_on)
    with world.runtime.database.reading() as session:
        rows = session.execute(
            select(Customer.code, CustomerEmail.address, Cluster.tag_name)
            .join(CustomerEmail, CustomerEmail.customer_id == Customer.id, isouter=True)
            .join(Cluster, Cluster.id == Customer.cluster_id)
            .where(Customer.code.like("K100%"))
            .order_by(Customer.code)
        ).all()
        parents = select(ClusterParent.parent_id).join(Cluster, Cluster.id == ClusterParent.child_id)
        above = session.scalars(parents.where(Cluster.tag_name.in_(("Zuid", "Noord")))).all()
    assert [tuple(row) for row in rows] == [
        ("K1001", "administratie@bakkerij-zoe.example", "Zuid"),
        ("K1002", "facturen@muller.example", "Zuid"),
        ("K1003", "info@hoekje.example", "Noord"),
        ("K1004", None, "Noord"),
    ]
    assert list(above) == [world.everybody.id] * 2


def test_18_an_empty_address_names_none_so_what_is_stored_stays(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    again = send(
        browser,
        klanten=WITH_ADDRESSES.replace("info@hoekje.example", "").replace("administratie@", "nieuw@"),
    )
    checked = work_on(again)
    assert [tuple(row[:3]) for row in checked.summary["rows"]] == [
        ("customer emails", "removed", "K1001 billing administratie@bakkerij-zoe.example"),
        ("customer emails", "new", "K1001 billing nieuw@bakkerij-zoe.example"),
    ]


def test_18_several_columns_have_addresses_each_for_a_key(
    browser: Browser, world: World, work_on: Work
) -> None:
    with world.runtime.database.writing() as session:
        factories.recipient_key(session, "techniek")
    text = "Klantnr;Naam;E-mail billing;E-mail techniek;Mail 3;Taal;Groep\n"
    text += f"K1;Een;a@x.test, b@x.test;t@x.test;c@x.test;nl;{world.everybody.tag_name}\n"
    set_id = send(browser, klanten=text)
    checked = work_on(set_id)
    assert checked.files[0]["columns"] == {
        "Klantnr": "code", "Naam": "name", "E-mail billing": "email.billing",
        "E-mail techniek": "email.techniek", "Mail 3": "", "Taal": "language", "Groep": "cluster",
    }  # fmt: skip
    assert "These look like email addresses. Choose the recipient key" in page(browser, f"/imports/{set_id}")
    correct(browser, set_id, **{"0-column-4": "email.billing"})
    keys = [row[2] for row in work_on(set_id).summary["rows"] if row[0] == "customer emails"]
    assert keys == [
        "K1 billing a@x.test", "K1 billing b@x.test", "K1 techniek t@x.test", "K1 billing c@x.test",
    ]  # fmt: skip


def test_18_a_row_of_addresses_without_one_is_left_out_and_told(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    text = "Klantnr;E-mailadres\nK1001;x@y.example\nK1002;\n"
    set_id = send(browser, adressen=text)
    assert work_on(set_id).summary["can_apply"]
    seen = page(browser, f"/imports/{set_id}")
    assert "1 line of adressen.csv has no email address, so it names none: line 3." in seen
