"""A manager bound to one side of a diamond: of the other side nothing is seen and nothing changes, by any
address about customers and clusters, from the application's own map of routes."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import LogIn, readable
from tests.world import World
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail
from webapp.store.users import AuditEntry

SECRET = "Strangers"
QUERIES = ("", "?q=strangers", "?cluster=left&include_children=y", "?q=left@x", "?missing=billing")


@pytest.fixture
def stranger(world: World, branches: None) -> dict[str, int]:
    """A customer in "left" with an address, whom a manager of "right" must not see; and the cluster's id."""
    with world.runtime.database.writing() as session:
        ids = {name: id for name, id in session.execute(select(Cluster.tag_name, Cluster.id))}
        for name, home in ((SECRET, "left"), ("Mine", "right"), ("Shared", "both")):
            payer = factories.customer(
                session, session.get_one(Cluster, ids[home]), f"{home}@x.test", name=name
            )
            factories.invoice(session, payer)
        index_all(session)
        theirs = session.scalars(select(Customer).where(Customer.name == SECRET)).one()
        email = session.scalars(select(CustomerEmail.id).where(CustomerEmail.customer_id == theirs.id)).one()
    return {"customer_id": theirs.id, "address_id": email, "cluster_id": ids["left"], **ids}


def about_these(pages: Flask, method: str) -> list[str]:
    rules = (rule for rule in pages.url_map.iter_rules() if method in (rule.methods or ()))
    return sorted(rule.rule for rule in rules if re.match("/(customers|clusters)", rule.rule))


def state(world: World) -> list[object]:
    """Everything that a change could touch."""
    with world.runtime.database.reading() as session:
        tables = (Customer, CustomerEmail, Cluster, ClusterParent)
        rows = [
            tuple(row) for table in tables for row in session.execute(select(*table.__table__.columns)).all()
        ]
        changes = select(AuditEntry.subject).where(AuditEntry.action.in_(("change", "suspend", "resume")))
        return [sorted(map(str, rows)), session.scalars(changes).all()]


@pytest.mark.security("C2")
def test_nothing_of_the_other_side_is_seen(
    pages: Flask, log_in: LogIn, world: World, stranger: dict[str, int]
) -> None:
    browser = log_in("manager", "right")
    for rule in about_these(pages, "GET"):
        url = re.sub(r"<int:(\w+)>", lambda match: str(stranger[match[1]]), rule)
        for query in (
            "",
            "?q=strangers",
            "?cluster=left&include_children=y",
            "?q=left@x",
            "?missing=billing",
        ):
            for htmx in (False, True):
                answer = browser.look(url + query, htmx=htmx)
                assert answer.status_code in (200, 404), url
                text = re.sub(r'value="[^"]*"|“[^”]*”', "", readable(answer))
                assert SECRET not in text, url + query
                assert "left@" not in text, url + query
                if "<int:" in rule:
                    assert answer.status_code == 404, url
    assert browser.look(f"/clusters?cluster={stranger['left']}").status_code == 404
    page = browser.look("/customers").text
    assert ("Mine" in page, "Shared" in page) == (True, True)
    assert re.search(r"All <b>2</b>", page)
    tree = browser.look("/clusters").text
    assert not re.search(r">left<|also under[^<]*left|>all<", tree)


@pytest.mark.security("C2")
def test_nothing_of_the_other_side_is_changed(
    pages: Flask, log_in: LogIn, world: World, stranger: dict[str, int]
) -> None:
    browser = log_in("manager", "right")
    before = state(world)
    customer = str(stranger["customer_id"])
    given = {
        "name": "x", "cluster": "right", "to": "right", "language": "", "address": "a@b.test", "key": "1",
        "seen": "", "asked": "1", "reason": "", "parent": str(stranger["right"]), "value": "v",
    }  # fmt: skip
    for rule in about_these(pages, "POST"):
        url = re.sub(r"<int:(\w+)>", lambda match: str(stranger[match[1]]), rule)
        bulk = url in ("/customers/move", "/customers/suspend", "/customers/resume")
        if url.endswith("/new"):
            continue
        for picked in ({"id": customer}, {"only": customer}, {"all": "1", "q": "strangers"}):
            browser.look("/customers")
            answer = browser.press(url, **given, **picked)
            assert bulk or answer.status_code == 404, url
    assert state(world) == before
    browser.look("/customers/new")
    assert browser.press("/customers/new", **{**given, "code": "N-1", "cluster": "left"}).status_code == 422
    browser.look("/clusters/new")
    assert browser.press("/clusters/new", name="below left", add_parent="left").status_code == 422
    mine = stranger["both"]
    moved = browser.press("/customers/move", id=customer, to="left", asked="1")
    assert "no cluster “left”" in moved.text or moved.status_code == 303
    assert browser.press(
        f"/clusters/{mine}", name="both", parent=str(stranger["left"]), asked="1"
    ).status_code
    with world.runtime.database.reading() as session:
        above = set(session.scalars(select(ClusterParent.parent_id).where(ClusterParent.child_id == mine)))
        assert stranger["left"] in above, "what is not seen stays"
