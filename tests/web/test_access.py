"""Every route for every kind of person, from the application's own map of routes (OWASP ASVS 5.0, V8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests import factories
from tests.http_client import PASSWORD, Browser, LogIn
from tests.plans.conftest import OWNER, Plans
from tests.web.routes import (
    CHANGING,
    CHANGING_ADMINS,
    CHANGING_IMPORTS,
    EDITING,
    FOR_APPROVERS,
    FOR_EDITORS,
    FOR_SENDERS,
    IMPORTING,
    LOOKING,
    LOOKING_ADMINS,
    NO_PAGES,
    OF_A_RUN,
    OPEN,
    OPEN_CHANGING,
    OWN,
    address,
    routes,
)
from tests.world import World
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.customers import Cluster
from webapp.store.definitions import TemplateImage
from webapp.store.types import now
from webapp.users.accounts import create_user


@pytest.fixture
def left_run(world: World, in_cluster: Callable[[str], int]) -> tuple[int, int]:
    """A run over cluster "left" and below, and its first result, whose customer is in "both"."""
    in_cluster("both")
    in_cluster("left")
    with world.runtime.database.writing() as session:
        left = session.query(Cluster).filter_by(tag_name="left").one()
        logo = world.runtime.documents.put(b"a logo")
        session.add(TemplateImage(name="logo", media_type="image/png", size=6, sha256=logo))
        create_user(session, OWNER, PASSWORD, "manager")
    Plans(world).add(cluster_id=left.id, next_at=now().replace(year=2090))
    run_id = world.run(cluster_id=left.id)
    first = world.results(run_id)[0].id
    with world.runtime.database.writing() as session:
        session.add(Mailbox(name="Bounces", kind="maildir", folder="/nowhere"))
        session.add(ReturnedMail(sha256="0" * 64, kind="bounce", state="matched", result_id=first))
    return run_id, first


@pytest.mark.security("C1")
def test_no_route_is_missing_here(pages: Flask) -> None:
    looking = LOOKING | FOR_EDITORS | FOR_SENDERS | LOOKING_ADMINS | IMPORTING
    assert routes(pages, "GET") == OPEN | looking
    changing = CHANGING | EDITING | CHANGING_ADMINS | CHANGING_IMPORTS | FOR_APPROVERS
    assert routes(pages, "POST") == changing | OPEN_CHANGING | OWN | {"/logout"}


@pytest.mark.security("C1")
def test_without_a_login_everything_leads_to_the_login(pages: Flask, left_run: tuple[int, int]) -> None:
    browser = Browser(pages.test_client())
    browser.look("/login")
    for rule in LOOKING | FOR_EDITORS | FOR_SENDERS | LOOKING_ADMINS | IMPORTING:
        assert browser.look(address(rule, *left_run)).status_code == 303, rule
    changing = CHANGING | EDITING | CHANGING_ADMINS | CHANGING_IMPORTS | FOR_APPROVERS
    for rule in changing | OWN | {"/logout"}:
        answer = browser.press(address(rule, *left_run), id="1")
        assert (answer.status_code, (answer.location or "")[:6]) == (303, "/login"), rule


@pytest.mark.security("C1")
@pytest.mark.parametrize(
    ("role", "clusters"),
    [
        *(("viewer", ()), ("viewer", ("left",)), ("editor", ()), ("editor", ("left",))),
        *(("manager", ()), ("manager", ("left",)), ("admin", ())),
    ],
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
        answer = browser.look(address(rule, *left_run))
        answer.close()
        assert answer.status_code == (403 if role in ("viewer", "editor") else 200), rule
    for rule in FOR_EDITORS:
        assert browser.look(rule).status_code == (403 if role == "viewer" else 200), rule
    for rule in LOOKING_ADMINS:
        status = browser.look(address(rule, *left_run)).status_code
        assert status == (NO_PAGES.get(rule, 200) if role == "admin" else 403), rule
    if role != "admin":
        browser.look("/account")
        for rule in CHANGING_ADMINS:
            assert browser.press(address(rule, *left_run), id="1").status_code == 403, rule
    before = world.statuses(left_run[0])
    if role in ("viewer", "editor"):
        browser.look("/account")
        for rule in CHANGING | (EDITING if role == "viewer" else set()):
            answer = browser.press(address(rule, *left_run), id=str(left_run[1]), all="1", asked="1")
            assert answer.status_code == 403, rule
            assert "Your role" in answer.text
        for rule in FOR_APPROVERS:
            assert browser.press(address(rule, *left_run), decision="approve").status_code == 303, rule
        assert (world.status(left_run[0]), world.statuses(left_run[0])) == ("created", before)


@pytest.mark.security("C1", "C2")
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


@pytest.mark.security("C2")
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
