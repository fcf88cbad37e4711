"""The list of invoices: filters, search, sorting, pages, download, and what is done to many."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import Browser, LogIn, text_of
from tests.invoices.conftest import Shelf
from tests.world import World
from webapp import keyset
from webapp.invoices import narrowing, queries
from webapp.store.invoices import TransformationResult
from webapp.store.runs import ChosenInvoice
from webapp.store.users import AuditEntry, SourceValue
from webapp.workers import WorkerProcess


def shown(browser: Browser, query: str = "") -> list[str]:
    """The numbers of the invoices on the page, in their order."""
    page = browser.look(f"/invoices{query}").text
    return re.findall(r'class="row-title" href="/invoices/\d+">([^<]*)', page)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", "NT-5 NT-3 NT-1 NT-4 NT-2"),
        ("?sort=-", "NT-2 NT-4 NT-1 NT-3 NT-5"),
        ("?sort=number", "NT-1 NT-2 NT-3 NT-4 NT-5"),
        ("?sort=customer", "NT-4 NT-1 NT-2 NT-3 NT-5"),
        ("?sort=-amount", "NT-3 NT-1 NT-5 NT-4 NT-2"),
        ("?sort=due", "NT-1 NT-3 NT-2 NT-4 NT-5"),
        ("?q=celik", "NT-2"),
        ("?q=nt-3", "NT-3"),
        ("?q=arzte+markt", "NT-1"),
        ("?q=zz", ""),
        ("?status=approved", "NT-5 NT-3 NT-1"),
        ("?cluster=left", "NT-1 NT-2"),
        ("?cluster=left&include_children=y&sort=number", "NT-1 NT-2 NT-3"),
        ("?cluster=left&include_children=y&sort=customer&status=approved&currency=CHF", "NT-3"),
        ("?cluster=no+such", ""),
        ("?from=2026-09-01&to=2026-09-30&sort=number", "NT-2 NT-4"),
        ("?from=2026-09-15", "NT-5 NT-3 NT-1"),
        ("?currency=chf", "NT-3"),
        ("?least=10&most=100&sort=amount", "NT-5 NT-1"),
        ("?least=12,&sort=amount", ""),
        ("?documents=none", "NT-5"),
        ("?documents=suspect", ""),
        ("?mailed=never&status=closed", "NT-4"),
    ],
)
@pytest.mark.parametrize("walked", [False, True])
def test_filters_and_orders(
    log_in: LogIn, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, query: str, numbers: str, walked: bool
) -> None:
    """The same whether few rows are looked up, or an index is walked."""
    if walked:
        monkeypatch.setattr(narrowing, "FEW_MAX", 0)
    assert shown(log_in(), query) == numbers.split()


@pytest.mark.parametrize("query", ["", "?sort=customer", "?sort=-amount", "?sort=due", "?documents=none",
                                   "?q=nt", "?status=approved&sort=number"])  # fmt: skip
@pytest.mark.parametrize("walked", [0, 1, 3])
def test_pages_go_on_where_the_last_one_ended(
    log_in: LogIn, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, query: str, walked: int
) -> None:
    """Also where so few rows are read that a page of what is missing is short, or empty."""
    browser = log_in()
    whole = shown(browser, query)
    monkeypatch.setattr(keyset, "PAGE_SIZE", 2)
    if walked:
        monkeypatch.setattr(narrowing, "FEW_MAX", 0)
        monkeypatch.setattr(queries, "WALKED_MAX", walked)
    found, url = [], query
    for _ in range(20):
        page = browser.look(f"/invoices{url}").text
        found.append(re.findall(r'class="row-title" href="/invoices/\d+">([^<]*)', page))
        following = re.search(r'href="(/invoices\?(?!all=1)(?![^"]*all=1)[^"]*after=[^"]*)"', page)
        if not following:
            break
        url = following[1].removeprefix("/invoices").replace("&amp;", "&")
    assert [number for page in found for number in page] == whole
    backwards = re.search(r'href="(/invoices\?[^"]*before=[^"]*)"', page)
    assert backwards or len(found) == 1 or not found[-1]


def test_what_is_not_understood_matches_nothing(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in()
    for query in ("?status=odd", "?mailed=x", "?documents=missing-x", "?after=1~x&sort=amount"):
        assert browser.look(f"/invoices{query}").status_code == 404, query
    page = browser.look("/invoices?least=abc")
    assert "“abc” is not an amount. Write it as 1234.50." in text_of(page)
    assert shown(browser, "?from=2026-13-01") == []


def test_sent_or_not_and_by_which_definition(
    log_in: LogIn, shelf: Shelf, worker: WorkerProcess, world: World
) -> None:
    world.deliver(worker)
    browser, definition = log_in(), world.definition.id
    assert shown(browser, f"?mailed={definition}&sort=number") == ["NT-1", "NT-3"]
    assert shown(browser, f"?mailed=not-{definition}&sort=number") == ["NT-2", "NT-4", "NT-5"]
    assert shown(browser, "?mailed=never&sort=number") == ["NT-2", "NT-4", "NT-5"]
    page = text_of(browser.look("/invoices?q=nt-1"))
    assert "Sent" in page
    assert "never" not in page.partition("NT-1")[2].partition("of these")[0].partition("Download")[0]
    missing = factories_transformation(world)
    assert shown(browser, f"?documents=missing-{missing}") == ["NT-5"]


def factories_transformation(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.scalars(select(TransformationResult.transformation_id).limit(1)).one()


def test_approve_and_close_are_asked_with_numbers_and_audited(log_in: LogIn, shelf: Shelf) -> None:
    manager = log_in("manager")
    manager.look("/invoices")
    ids = [str(shelf.ids[number]) for number in ("NT-1", "NT-2", "NT-4")]
    asked = manager.press("/invoices/approve", id=ids)
    said = text_of(asked)
    assert "Approve 1 invoice?" in said
    assert "1 invoice of these is approved already." in said
    assert "Only an administrator can approve closed invoices" in said
    assert manager.press("/invoices/approve", id=ids, asked="1").status_code == 303
    assert "1 invoice approved. 2 left as they were." in text_of(manager.look("/invoices"))
    statuses = [shelf.invoice(number).status for number in ("NT-1", "NT-2", "NT-4")]
    assert statuses == ["approved", "approved", "closed"]
    run_id = shelf.world.run()
    page = manager.look("/invoices?status=approved&all=1")
    assert 'name="seen" value="4"' in page.text
    every = {"all": "1", "status": "approved", "seen": "4"}
    asked = manager.press("/invoices/close", **every)
    assert "Close 4 invoices?" in text_of(asked)
    assert "None has been mailed." in text_of(asked)
    assert re.search("2 results waiting in “.*” will be skipped as not approved", text_of(asked)), run_id
    manager.press("/invoices/close", **every, asked="1")
    with shelf.world.runtime.database.reading() as session:
        told = session.execute(
            select(AuditEntry.action, AuditEntry.detail)
            .where(AuditEntry.subject == "invoice NT-2")
            .order_by(AuditEntry.id)
        ).all()
        assert [tuple(row) for row in told] == [
            ("approve", "status: open → approved"),
            ("close", "status: approved → closed"),
        ]
        remembered = session.execute(
            select(SourceValue.subject_id, SourceValue.value).where(SourceValue.field == "status")
        ).all()
        assert (shelf.ids["NT-2"], "open") in [tuple(row) for row in remembered]


def test_just_those_that_were_approved_lead_to_a_run(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in("manager")
    browser.look("/invoices?status=open")
    ids = [str(shelf.ids[number]) for number in ("NT-2", "NT-3", "NT-4")]
    browser.press("/invoices/approve", id=ids, asked="1", status="open")
    page = browser.look("/invoices?status=open")
    link = re.search(r'href="(/runs/new\?[^"]*)">New run from these 2', page.text)
    assert link, "NT-4 is closed, and stays so"
    dialog = text_of(browser.look(link[1].replace("&amp;", "&")))
    assert "Only 2 selected invoices: NT-2 and NT-3" in dialog


def test_what_matches_more_by_now_is_asked_again(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in()
    browser.look("/invoices")
    answer = browser.press("/invoices/close", all="1", status="approved", seen="2", asked="1")
    assert "Close 3 invoices?" in text_of(answer)
    assert shelf.invoice("NT-1").status == "approved"


def test_a_new_run_of_the_selected_takes_these_alone(log_in: LogIn, shelf: Shelf, world: World) -> None:
    browser = log_in()
    browser.look("/invoices")
    ids = [str(shelf.ids[number]) for number in ("NT-1", "NT-2", "NT-3")]
    led = browser.press("/invoices/run", id=ids)
    url = led.headers["Location"]
    assert url.startswith(
        "/runs/new?cluster=left&include_children=y&period_from=2026-09-01&period_to=2026-10-31"
    )
    page = browser.look(url)
    assert "Only 3 selected invoices: NT-1, NT-2 and NT-3" in text_of(page)
    preview = browser.look(url.replace("/runs/new", "/runs/preview") + f"&definition={world.definition.id}")
    assert re.search(r"3</span>\s*invoices match", preview.text)
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, session.get_one(type(world.everybody), shelf.clusters["left"]))
        factories.invoice(session, payer)
        index_all(session)
    fields = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    made = browser.press("/runs", **fields, definition=str(world.definition.id))
    run_id = int(made.headers["Location"].rpartition("/")[2])
    with world.runtime.database.reading() as session:
        chosen = session.scalars(select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run_id)).all()
    assert sorted(chosen) == sorted(shelf.ids[number] for number in ("NT-1", "NT-2", "NT-3"))
    one = browser.press("/invoices/run", id=[str(shelf.ids["NT-5"])])
    assert "cluster=right&period_from=2026-10-01" in one.headers["Location"]
    assert browser.press("/invoices/run", rows="").headers["Location"] == "/invoices"
    assert "No invoice is selected." in text_of(browser.look("/invoices"))


def test_the_download_has_what_the_filter_leaves(log_in: LogIn, shelf: Shelf) -> None:
    lines = log_in().look("/invoices.csv?status=approved").text.splitlines()
    assert lines[0].lstrip("\ufeff").startswith("number,customer_code,customer_name,cluster,status")
    assert [line.partition(",")[0] for line in lines[1:]] == ["NT-1", "NT-3", "NT-5"]
    assert ",300.00,Invoice PDF," in lines[2]
