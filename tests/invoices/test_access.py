"""A manager bound to one side of a diamond: of the other side nothing is seen and nothing changes, by any
address about invoices, from the application's own map of routes."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from tests.http_client import LogIn, readable, text_of
from tests.invoices.conftest import Shelf
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.users import AuditEntry, SourceValue

QUERIES = (
    *("", "?q=nt-1", "?q=markt", "?cluster=left&include_children=y", "?status=approved"),
    *("?documents=none", "?least=99&most=101", "?customer=C00001", "?sort=customer"),
)
THEIRS = ("NT-1", "NT-2", "Ärzte", "left@")
BULK = ("/invoices/approve", "/invoices/close", "/invoices/run")


def about_these(pages: Flask, method: str) -> list[str]:
    rules = (rule for rule in pages.url_map.iter_rules() if method in (rule.methods or ()))
    return sorted(rule.rule for rule in rules if rule.rule.startswith("/invoices"))


def filled(rule: str, ids: dict[str, int]) -> str:
    return re.sub(r"<int:(\w+)>", lambda match: str(ids[match[1]]), rule)


@pytest.fixture
def strange(shelf: Shelf) -> dict[str, int]:
    """The ids in addresses of NT-1, which is in "left"."""
    with shelf.world.runtime.database.reading() as session:
        ours = TransformationResult.invoice_id == shelf.ids["NT-1"]
        return {
            "invoice_id": shelf.ids["NT-1"],
            "document_id": session.scalars(select(TransformationResult.id).where(ours)).one(),
        }


def state(shelf: Shelf) -> list[object]:
    """Everything that a change could touch."""
    with shelf.world.runtime.database.reading() as session:
        tables = (Invoice, TransformationResult, SourceValue)
        rows = [str(row) for table in tables for row in session.execute(select(*table.__table__.columns))]
        told = select(AuditEntry.subject).where(AuditEntry.subject.startswith("invoice "))
        return [sorted(rows), session.scalars(told).all()]


@pytest.mark.security("C2")
def test_nothing_of_the_other_side_is_seen(
    pages: Flask, log_in: LogIn, shelf: Shelf, strange: dict[str, int]
) -> None:
    browser = log_in("manager", "right")
    for rule in about_these(pages, "GET"):
        for query in QUERIES:
            for htmx in (False, True):
                answer = browser.look(filled(rule, strange) + query, htmx=htmx)
                assert answer.status_code == (404 if "<int:" in rule else 200), rule
                text = re.sub(r'(value|href|hx-get)="[^"]*"|“[^”]*”', "", readable(answer))
                assert not [word for word in THEIRS if word in text], (rule, query)
    page = browser.look("/invoices?sort=number").text
    assert re.findall(r'class="row-title" href="/invoices/\d+">([^<]*)', page) == ["NT-3", "NT-4", "NT-5"]
    assert re.search(r"All <b>3</b>", page)
    lines = browser.look("/invoices.csv").text.splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == ["NT-3", "NT-4", "NT-5"]


@pytest.mark.security("C2")
def test_nothing_of_the_other_side_is_changed(
    pages: Flask, log_in: LogIn, shelf: Shelf, strange: dict[str, int]
) -> None:
    browser = log_in("manager", "right")
    before = state(shelf)
    theirs = str(shelf.ids["NT-1"])
    for rule in about_these(pages, "POST"):
        if rule == "/invoices/new":
            continue
        for picked in ({"id": theirs}, {"only": theirs}, {"all": "1", "q": "nt-1"}):
            browser.look("/invoices")
            given = {"asked": "1", "seen": "", "name": "po", "value": "x", "transformation": "1"}
            answer = browser.press(filled(rule, strange), **given, **picked)
            assert rule in BULK or answer.status_code == 404, rule
            assert "chosen=" not in answer.headers.get("Location", ""), rule
    assert state(shelf) == before
    page = browser.look("/invoices?all=1")
    seen = re.search(r'name="seen" value="(\d+)"', page.text)
    assert seen
    assert seen[1] == "3"
    browser.press("/invoices/close", all="1", seen="3", asked="1")
    assert [shelf.invoice(number).status for number in ("NT-1", "NT-3")] == ["approved", "closed"]


@pytest.mark.security("C2")
def test_a_forged_selection_names_no_stranger(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in("manager", "right")
    chosen = f"chosen={shelf.ids['NT-1']}-{shelf.ids['NT-5']}"
    period = "cluster=right&include_children=y&period_from=2026-09-01&period_to=2026-10-31"
    page = browser.look(f"/runs/new?{period}&{chosen}")
    assert "NT-1" not in re.sub(r'href="[^"]*"', "", page.text)
    assert "NT-5" in page.text
    fields = dict(pair.split("=") for pair in f"{period}&{chosen}".split("&"))
    made = browser.press("/runs", **fields, definition=str(shelf.world.definition.id))
    assert "Not in this cluster and period: some of the selected invoices." in text_of(made)
    none = browser.look(f"/runs/preview?{period}&chosen=x&definition={shelf.world.definition.id}")
    assert "match" not in text_of(none).partition("Invoices")[0]
    assert "These are no invoices." in text_of(none)
