"""A run over a cluster above that mailed a manager's customers: every address of it, from the application's
own map of routes, shows the results of her customers, nothing of others, and no button."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.web.routes import CHANGING, LOOKING, OF_A_RUN, address
from tests.world import World
from webapp.store.customers import Cluster
from webapp.web.downloads import XLSX
from webapp.workers import WorkerProcess

BUTTONS = re.compile(r"formaction|/sending|/archive|type=\"checkbox\"|/runs/new")


@dataclass
class Case:
    """A run over "all": one result of a customer in "both", and two of customers in "left", one of them
    failed; the texts that only those two have."""

    run: int
    mine: int
    others: tuple[int, ...]
    secrets: tuple[str, ...]


@pytest.fixture
def case(pages: Flask, world: World, worker: WorkerProcess) -> Case:
    secrets: list[str] = []
    with world.runtime.database.writing() as session:
        for tag_name, word in (("both", "Mine"), ("left", "Gouda"), ("left", "reject-550.Edam")):
            home = session.query(Cluster).filter_by(tag_name=tag_name).one()
            payer = factories.customer(session, home, f"{word}@customers.test", name=f"{word} Ltd")
            invoice = factories.invoice(session, payer)
            factories.document(session, world.runtime.documents, invoice)
            if tag_name == "left":
                secrets += [word, payer.code, invoice.number]
    run_id = world.deliver(worker)
    mine, *others = (result.id for result in world.results(run_id))
    return Case(run_id, mine, tuple(others), tuple(secrets))


def words(answer: TestResponse) -> str:
    """Everything in the answer; of a ZIP, which an XLSX is too, every file and every name."""
    if answer.mimetype not in ("application/zip", XLSX):
        return answer.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return "\n".join(name + archive.read(name).decode("latin-1") for name in archive.namelist())


def main_of(text: str) -> str:
    """What is the page's own; of a fragment everything."""
    return text.partition("<main")[2].partition("</main>")[0] or text


def nothing_of_others(answer: TestResponse, case: Case, where: str) -> None:
    said = words(answer)
    answer.close()
    for secret in case.secrets:
        assert secret not in said, (where, secret)


@pytest.mark.security("C2")
@pytest.mark.parametrize("role", ["manager", "viewer"])
def test_e10_every_address_of_the_run_shows_hers_alone(log_in: LogIn, case: Case, role: str) -> None:
    browser = log_in(role, "right")
    for rule in sorted(OF_A_RUN & LOOKING | {"/", "/runs", "/runs/live"}):
        for htmx in (False, True):
            answer = browser.look(address(rule, case.run, case.mine) + f"?runs={case.run}", htmx=htmx)
            assert answer.status_code in (200, 302), rule
            if rule in OF_A_RUN and answer.mimetype == "text/html":
                assert not BUTTONS.findall(main_of(answer.text)), rule
            nothing_of_others(answer, case, rule)
    for query in ("?q=Gouda", "?status=failed", "?sort=amount", "?all=1", "?status=sent"):
        for page in (f"/runs/{case.run}", f"/runs/{case.run}/results", f"/runs/{case.run}/report.csv"):
            answer = browser.look(page + query, htmx=page.endswith("results"))
            assert answer.status_code == 200, page + query
            if "Gouda" not in query:
                nothing_of_others(answer, case, page + query)
    rows = "-".join(map(str, case.others))
    nothing_of_others(browser.look(f"/runs/{case.run}/live?rows={rows}", htmx=True), case, "live")


@pytest.mark.security("C2")
def test_e10_results_of_others_are_not_found(log_in: LogIn, case: Case) -> None:
    browser = log_in("manager", "right")
    for rule in OF_A_RUN & LOOKING:
        if "result_id>" in rule:
            for other in case.others:
                assert browser.look(address(rule, case.run, other)).status_code == 404, rule


def test_e10_the_run_page_counts_hers_and_says_why(log_in: LogIn, case: Case) -> None:
    browser = log_in("manager", "right")
    page = text_of(browser.look(f"/runs/{case.run}"))
    for said in ("All sent", "1 of 1 mail sent", "All 1", "Sent 1", "Failed 0", "You see a part of this run"):
        assert said in page, said
    assert "1 invoice of your customers included" in page
    assert "command line, who created it" in page
    evidence = words(browser.look(f"/runs/{case.run}/evidence.zip"))
    assert "finished: 1 sent\n" in evidence
    assert "sees the customers of some clusters only" in evidence
    whole = text_of(log_in("manager").look(f"/runs/{case.run}"))
    for said in ("All 3", "Sent 2", "Failed 1"):
        assert said in whole, said
    assert "You see a part" not in whole


@pytest.mark.security("C2")
def test_e10_nothing_that_acts_on_the_run_is_accepted(log_in: LogIn, world: World, case: Case) -> None:
    browser = log_in("manager", "right")
    browser.look("/account")
    before = world.statuses(case.run)
    for rule in OF_A_RUN & CHANGING:
        for chosen in ({"id": str(case.mine)}, {"only": str(case.mine)}, {"all": "1", "asked": "1"}):
            keys = {"confirmed": "1", "as_of": "2100-01-01T00:00:00+00:00", "form_key": "f" * 23}
            answer = browser.press(address(rule, case.run, case.mine), **{**chosen, **keys})
            browser.look("/account")
            page = text_of(browser.look(f"/runs/{case.run}"))
            refused = answer.status_code == 403 or "and cannot change" in page
            assert refused, (rule, answer.status_code)
    assert (world.status(case.run), world.statuses(case.run)) == ("finished", before)


@pytest.mark.security("C2")
def test_e10_a_run_is_not_in_the_list_of_who_has_no_customer_in_it(
    log_in: LogIn, world: World, case: Case, in_cluster: Callable[[str], int]
) -> None:
    with world.runtime.database.writing() as session:
        factories.cluster(session, "beside", world.everybody)
    in_cluster("beside")
    browser: Browser = log_in("manager", "beside")
    assert browser.look(f"/runs/{case.run}").status_code == 404
    assert f"/runs/{case.run}" not in browser.look("/runs").text
