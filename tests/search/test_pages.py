"""Anything is found by what a person knows of it, from one box."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp import edits
from webapp.access import OPERATOR
from webapp.customers import addresses as customer_addresses
from webapp.search.marks import marked
from webapp.store.customers import Cluster, CustomerEmail
from webapp.store.runs import Attempt, Result
from webapp.workers import WorkerProcess


@pytest.fixture
def mailed(world: World, worker: WorkerProcess, branches: None) -> Result:
    """A result whose mail to "Bakkerij Jansën" is with the mail server."""
    with world.runtime.database.writing() as session:
        home = session.scalars(select(Cluster).where(Cluster.tag_name == "left")).one()
        payer = factories.customer(session, home, "post@jansen.test", name="Bakkerij Jansën")
        invoice = factories.invoice(session, payer, number="NT-2610-0061")
        factories.document(session, world.runtime.documents, invoice)
        index_all(session)
    [result] = world.results(world.deliver(worker))
    assert result.status == "sent"
    return result


def names(answer_text: str) -> dict[str, str]:
    """Group → how many it says."""
    return dict(re.findall(r"<h[23] [^>]*>(\w+), ([^<]+)</h", answer_text))


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        ("jansen nt-2610-0061", {"Invoices": "1", "Mails": "1"}),
        ("JANSEN", {"Customers": "1", "Invoices": "1", "Addresses": "1", "Mails": "1"}),
        ("post@jansen.test", {"Customers": "1", "Addresses": "1", "Mails": "1"}),
        ("0061", {"Invoices": "1", "Mails": "1"}),
        ("monthly", {"Runs": "1"}),
        ("run 1", {"Runs": "1"}),
        ("petersen", {}),
        ("ja", {}),
        ("", {}),
    ],
)
def test_one_query_finds_all_kinds(
    pages: Flask, log_in: LogIn, mailed: Result, wanted: str, groups: dict[str, str]
) -> None:
    answer = log_in("viewer").look(f"/search?q={wanted}", htmx=True)
    assert names(answer.text) == groups, text_of(answer)
    assert ("Type at least three letters" in answer.text) is (wanted == "ja")


def test_a_mail_is_found_by_what_the_server_and_the_customer_know(
    pages: Flask, log_in: LogIn, world: World, mailed: Result
) -> None:
    browser = log_in("manager", "left")
    with world.runtime.database.reading() as session:
        [queue_id] = session.scalars(select(Attempt.queue_id))
    bare = mailed.message_id.strip("<>")
    assert len(queue_id) >= 5
    for wanted in (mailed.message_id, bare, f"Message-ID: {bare}", queue_id, f"250 ok: queued as {queue_id}"):
        answer = browser.look(f"/search?palette=1&q={wanted}", htmx=True)
        assert f'href="/results/{mailed.id}"' in answer.text, wanted
        assert names(answer.text)["Mails"] == "1", wanted
    forged = bare.replace(f".{mailed.id}.", f".{mailed.id + 1}.")
    for wanted in (forged, bare.replace("@", "x@"), queue_id[:-1]):
        assert "Mails" not in names(browser.look(f"/search?q={wanted}").text), wanted


def test_a_former_address_and_a_removed_result_are_found(
    pages: Flask, log_in: LogIn, world: World, mailed: Result
) -> None:
    with world.runtime.database.writing() as session:
        held = session.scalars(
            select(CustomerEmail).where(CustomerEmail.customer_id == mailed.customer_id)
        ).one()
        seen = edits.fingerprint(customer_addresses.address_values([held]))
        customer_addresses.remove_address(session, OPERATOR, held.id, seen)
    browser = log_in("manager")
    assert names(browser.look("/search?q=post@jansen.test").text) == {"Customers": "1", "Mails": "1"}
    again = world.run()
    browser.look(f"/runs/{again}")
    browser.press(f"/runs/{again}/results/remove", id=str(world.results(again)[0].id))
    assert world.statuses(again) == ["removed"]
    answer = browser.look("/search?q=jansen&in=mails")
    assert names(answer.text) == {"Mails": "2"}
    assert "Removed" in text_of(answer)


@pytest.mark.security("C2")
def test_nothing_of_a_cluster_that_is_not_theirs(
    pages: Flask, log_in: LogIn, world: World, mailed: Result
) -> None:
    browser = log_in("manager", "right")
    with world.runtime.database.reading() as session:
        [queue_id] = session.scalars(select(Attempt.queue_id))
    for wanted in ("jansen", "nt-2610-0061", "post@", mailed.message_id, queue_id, "monthly", "run 1"):
        for within in ("", "customers", "invoices", "addresses", "mails", "runs"):
            for extra in ("", "&palette=1"):
                answer = browser.look(f"/search?q={wanted}&in={within}{extra}", htmx=True)
                assert names(answer.text) == {}, wanted
                assert "Jans" not in answer.text


def test_words_are_marked_whatever_their_accents() -> None:
    assert marked("Bakkerij Jansën & <Co>", ["jansen", "co"]) == (
        "Bakkerij <mark>Jansën</mark> &amp; &lt;<mark>Co</mark>&gt;"
    )
    assert marked("Straße", ["ss"]) == "Stra<mark>ß</mark>e"
    assert marked("", ["x"]) == ""
