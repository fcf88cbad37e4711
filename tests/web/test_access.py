"""Every route for every kind of person, from the application's own map of routes (OWASP ASVS 5.0, V8)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from tests import factories
from tests.http_client import Browser, LogIn
from tests.world import World
from webapp.store.customers import Cluster
from webapp.store.definitions import TemplateImage

OPEN = {"/login", "/login/link", "/login/state", "/setup", "/healthz", "/readyz", "/static/<path:filename>"}
OPEN_CHANGING = {"/login", "/login/again", "/login/link", "/setup"}
OWN = {"/account", "/account/password", "/account/sessions/end", "/account/sessions/<int:session_id>/end"}
LOOKING = {
    "/",
    "/account",
    "/help",
    "/help/<topic>",
    "/runs",
    "/runs.csv",
    "/runs.xlsx",
    "/runs/preview",
    "/runs/preview/list",
    "/runs/preview/list.csv",
    "/runs/preview/list.xlsx",
    "/runs/preview/mail",
    "/runs/preview/mail/html",
    "/runs/clusters",
    "/runs/<int:run_id>",
    "/runs/<int:run_id>/results",
    "/runs/<int:run_id>/live",
    "/runs/<int:run_id>/report.csv",
    "/runs/<int:run_id>/report.xlsx",
    "/runs/<int:run_id>/evidence.zip",
    "/runs/live",
    "/results/<int:result_id>",
    "/results/<int:result_id>/live",
    "/results/<int:result_id>/mail",
    "/results/<int:result_id>/mail.eml",
    "/results/<int:result_id>/documents/<int:number>",
    "/definitions",
    "/definitions/passwords",
    "/definitions/reach",
    "/definitions/<int:definition_id>",
    "/definitions/<int:definition_id>/versions",
    "/templates",
    "/templates/<int:template_id>",
    "/templates/pictures/<name>",
    "/invoices",
    "/invoices.csv",
    "/invoices.xlsx",
    "/invoices/<int:invoice_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/view",
    "/customers",
    "/customers.csv",
    "/customers.xlsx",
    "/customers/<int:customer_id>",
    "/clusters",
    "/search",
    "/fix",
    "/fix.csv",
    "/fix.xlsx",
}
FOR_SENDERS = {
    "/fix/send",
    "/runs/new",
    "/definitions/new",
    "/templates/new",
    "/customers/new",
    "/clusters/new",
    "/invoices/new",
}
SETTINGS = ("/servers", "/senders", "/recipient-keys", "/transformations")
LOOKING_ADMINS = {"/takeover", "/settings", "/users", "/users/new", "/users/<int:user_id>", "/own-data"} | {
    f"{path}{rest}" for path in SETTINGS for rest in ("", "/new", "/<int:id>")
}
CHANGING_ADMINS = {
    *("/takeover", "/servers/<int:id>/check", "/servers/<int:id>/try", "/own-data"),
    "/senders/<int:id>/domain",
    *("/users/new", "/users/<int:user_id>", "/users/<int:user_id>/link", "/users/<int:user_id>/disable"),
    *("/users/<int:user_id>/enable", "/users/<int:user_id>/sessions/end"),
    "/users/<int:user_id>/sessions/<int:session_id>/end",
    *(f"{path}{rest}" for path in SETTINGS for rest in ("/new", "/<int:id>", "/<int:id>/delete")),
}
CHANGING = {
    "/runs",
    "/runs/preview",
    "/runs/<int:run_id>/sending",
    "/runs/<int:run_id>/sending/stop",
    "/runs/<int:run_id>/results/send-again",
    "/runs/<int:run_id>/results/remove",
    "/runs/<int:run_id>/results/put-back",
    "/runs/<int:run_id>/results/let-pass",
    "/runs/<int:run_id>/results/mark-sent",
    "/runs/<int:run_id>/results/mark-bounced",
    "/runs/<int:run_id>/archive",
    "/runs/<int:run_id>/archive/undo",
    "/definitions",
    "/definitions/check",
    "/definitions/mail",
    "/definitions/test",
    "/definitions/<int:definition_id>",
    "/definitions/<int:definition_id>/copy",
    "/definitions/<int:definition_id>/retirement",
    "/definitions/<int:definition_id>/retirement/end",
    "/definitions/<int:definition_id>/delete",
    "/templates",
    "/templates/check",
    "/templates/mail",
    "/templates/test",
    "/templates/<int:template_id>",
    "/templates/<int:template_id>/copy",
    "/templates/<int:template_id>/delete",
    "/templates/<int:template_id>/languages/delete",
    "/templates/parts",
    "/templates/parts/<name>/delete",
    "/templates/pictures",
    "/templates/pictures/<name>/delete",
    "/runs/archive",
    "/runs/archive/undo",
    "/invoices/new",
    "/invoices/approve",
    "/invoices/close",
    "/invoices/run",
    "/invoices/<int:invoice_id>/facts",
    "/invoices/<int:invoice_id>/data",
    "/invoices/<int:invoice_id>/documents",
    "/invoices/<int:invoice_id>/documents/<int:document_id>",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/remove",
    "/invoices/<int:invoice_id>/documents/<int:document_id>/release",
    "/customers/new",
    "/customers/move",
    "/customers/suspend",
    "/customers/resume",
    "/customers/<int:customer_id>/facts",
    "/customers/<int:customer_id>/addresses",
    "/customers/<int:customer_id>/addresses/<int:address_id>",
    "/customers/<int:customer_id>/addresses/<int:address_id>/remove",
    "/customers/<int:customer_id>/metadata",
    "/customers/<int:customer_id>/metadata/show",
    "/customers/<int:customer_id>/suspension",
    "/customers/<int:customer_id>/suspension/end",
    "/clusters/new",
    "/clusters/<int:cluster_id>",
    "/clusters/<int:cluster_id>/children",
    "/clusters/<int:cluster_id>/delete",
    "/fix",
    "/fix/undo",
}
IMPORTING = {  # who may: tests/intake/test_pages.py
    *("/import", "/imports", "/imports/example.zip"),
    "/imports/<int:set_id>",
    "/imports/<int:set_id>/live",
    "/imports/<int:set_id>/<any(errors, changes, documents):what>.csv",
}
CHANGING_IMPORTS = {f"/imports/<int:set_id>{rest}" for rest in ("", "/apply", "/cancel", "/discard")}
CHANGING_IMPORTS.add("/imports")
FIRST_IDS = (
    "set_id",
    "id",
    "number",
    "definition_id",
    "template_id",
    "customer_id",
    "address_id",
    "cluster_id",
    "invoice_id",
    "document_id",
    "user_id",
    "session_id",
)
OF_A_RUN = {rule for rule in LOOKING | CHANGING if "run_id>" in rule or "result_id>" in rule}


def routes(pages: Flask, method: str) -> set[str]:
    return {rule.rule for rule in pages.url_map.iter_rules() if method in (rule.methods or set())}


def address(rule: str, run_id: int, result_id: int) -> str:
    ids = {"run_id": run_id, "result_id": result_id, **dict.fromkeys(FIRST_IDS, 1)}
    named = rule.replace("<name>", "logo").replace("<topic>", "start")
    named = named.replace("<any(errors, changes, documents):what>", "errors")
    return re.sub("<int:([a-z_]+)>", lambda match: str(ids[match[1]]), named)


@pytest.fixture
def left_run(world: World, in_cluster: Callable[[str], int]) -> tuple[int, int]:
    """A run over cluster "left" and below, and its first result, whose customer is in "both"."""
    in_cluster("both")
    in_cluster("left")
    with world.runtime.database.writing() as session:
        left = session.query(Cluster).filter_by(tag_name="left").one()
        logo = world.runtime.documents.put(b"a logo")
        session.add(TemplateImage(name="logo", media_type="image/png", size=6, sha256=logo))
    run_id = world.run(cluster_id=left.id)
    return run_id, world.results(run_id)[0].id


def test_no_route_is_missing_here(pages: Flask) -> None:
    assert routes(pages, "GET") == OPEN | LOOKING | FOR_SENDERS | LOOKING_ADMINS | IMPORTING
    changing = CHANGING | CHANGING_ADMINS | CHANGING_IMPORTS
    assert routes(pages, "POST") == changing | OPEN_CHANGING | OWN | {"/logout"}


def test_without_a_login_everything_leads_to_the_login(pages: Flask, left_run: tuple[int, int]) -> None:
    browser = Browser(pages.test_client())
    browser.look("/login")
    for rule in LOOKING | FOR_SENDERS | LOOKING_ADMINS | IMPORTING:
        assert browser.look(address(rule, *left_run)).status_code == 303, rule
    for rule in CHANGING | CHANGING_ADMINS | CHANGING_IMPORTS | OWN | {"/logout"}:
        answer = browser.press(address(rule, *left_run), id="1")
        assert (answer.status_code, (answer.location or "")[:6]) == (303, "/login"), rule


@pytest.mark.parametrize(
    ("role", "clusters"),
    [("viewer", ()), ("viewer", ("left",)), ("manager", ()), ("manager", ("left",)), ("admin", ())],
)
def test_who_may_look_sees_and_only_senders_change(
    log_in: LogIn, world: World, left_run: tuple[int, int], role: str, clusters: tuple[str, ...]
) -> None:
    browser = log_in(role, *clusters)
    for rule in LOOKING:
        answer = browser.look(address(rule, *left_run))
        answer.close()  # what is downloaded slowly holds a place
        assert answer.status_code in (200, 302), rule
    for rule in FOR_SENDERS:
        assert browser.look(rule).status_code == (403 if role == "viewer" else 200)
    for rule in LOOKING_ADMINS:
        status = browser.look(address(rule, *left_run)).status_code
        assert status == (200 if role == "admin" else 403), rule
    if role != "admin":
        browser.look("/account")
        for rule in CHANGING_ADMINS:
            assert browser.press(address(rule, *left_run), id="1").status_code == 403, rule
    before = world.statuses(left_run[0])
    if role == "viewer":
        browser.look("/account")
        for rule in CHANGING:
            answer = browser.press(address(rule, *left_run), id=str(left_run[1]), all="1", asked="1")
            assert answer.status_code == 403, rule
            assert "Your role" in answer.text
        assert (world.status(left_run[0]), world.statuses(left_run[0])) == ("created", before)


def test_a_manager_of_another_cluster_finds_nothing_there(
    log_in: LogIn, world: World, left_run: tuple[int, int]
) -> None:
    """With a customer of hers in the run she would see that one's result: test_seen_in_part.py."""
    with world.runtime.database.writing() as session:
        factories.cluster(session, "beside", world.everybody)
    browser = log_in("manager", "beside")
    for rule in OF_A_RUN & LOOKING:
        for htmx in (False, True):
            assert browser.look(address(rule, *left_run), htmx=htmx).status_code == 404, rule
    browser.look("/runs/new")
    before = world.statuses(left_run[0])
    for rule in OF_A_RUN & CHANGING:
        for chosen in ({"id": str(left_run[1])}, {"all": "1", "asked": "1"}):
            assert browser.press(address(rule, *left_run), **chosen).status_code == 404, rule
    assert (world.status(left_run[0]), world.statuses(left_run[0])) == ("created", before)
    assert "No runs" in browser.look("/runs").text or "left" not in browser.look("/runs").text


def test_ids_of_another_run_in_a_bulk_change_nothing(
    log_in: LogIn, world: World, left_run: tuple[int, int]
) -> None:
    with world.runtime.database.reading() as session:
        right = session.query(Cluster).filter_by(tag_name="right").one()
    own = world.run(cluster_id=right.id)
    browser = log_in("manager", "right")
    browser.look(f"/runs/{own}")
    browser.press(f"/runs/{own}/results/remove", id=[str(left_run[1]), str(world.results(own)[0].id)])
    assert "removed" not in world.statuses(left_run[0])
    assert world.statuses(own) == ["removed"]


def test_a_change_without_the_token_is_refused(
    log_in: LogIn, world: World, left_run: tuple[int, int]
) -> None:
    browser = log_in("admin")
    for rule in CHANGING | CHANGING_ADMINS | OPEN_CHANGING | OWN | {"/logout"}:
        for htmx in (False, True):
            browser.keys = {"form_key": "k" * 24}
            assert browser.press(address(rule, *left_run), htmx=htmx, id="1").status_code == 400, rule
    assert world.status(left_run[0]) == "created"


def test_looking_changes_nothing(log_in: LogIn, world: World, left_run: tuple[int, int]) -> None:
    browser = log_in("admin")
    for rule in CHANGING - LOOKING - FOR_SENDERS:
        assert browser.look(address(rule, *left_run)).status_code == 405, rule
    assert world.status(left_run[0]) == "created"
