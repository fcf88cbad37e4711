"""Forms that no page of ours shows: another cluster in the run dialog, and fields that the
form does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.http_client import LogIn, fields
from tests.results.staged import made
from tests.security.conftest import Whole
from tests.world import World
from webapp.extensions import Runtime
from webapp.store.customers import Cluster, Customer
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus
from webapp.store.users import User, UserCluster


def how_many_runs(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Run)) or 0


@pytest.mark.security("C3")
@pytest.mark.parametrize("cluster", ["right", "all", "ALL ", "2", "right' OR '1'='1"])
def test_no_run_over_a_cluster_of_another_manager(log_in: LogIn, whole: Whole, cluster: str) -> None:
    before = how_many_runs(whole.world)
    browser = log_in("manager", "left")
    browser.look("/runs/new")
    for more in ({}, {"start": "1"}, {"confirmed": "1", "start": "1"}):
        answer = browser.press("/runs", **fields(whole.world, cluster=cluster), **more)
        assert answer.status_code in (404, 422), more
    shown = browser.press("/runs/preview", **fields(whole.world, cluster=cluster))
    assert "1 invoice" not in shown.text
    assert how_many_runs(whole.world) == before


@pytest.mark.security("C3")
def test_no_copy_of_a_run_goes_to_a_domain_that_is_not_allowed(
    pages: Flask, log_in: LogIn, world: World, runtime: Runtime
) -> None:
    world.add()
    settings = replace(runtime.settings, bcc_domains=("example.com",))
    pages.extensions["mailrun"] = replace(runtime, settings=settings)
    browser = log_in("manager")
    browser.look("/runs/new")
    for bcc in (
        "thief@example.org",
        "a@example.com, thief@example.org",
        "a@sub.example.com",
        "a@xexample.com",
    ):
        answer = browser.press("/runs", **fields(world, bcc=bcc))
        assert answer.status_code == 422, bcc
    assert how_many_runs(world) == 0


@pytest.mark.security("C25")
def test_no_one_gets_a_role_or_clusters_by_a_field_of_their_own_account(log_in: LogIn, world: World) -> None:
    browser = log_in("viewer", "left")
    browser.look("/account")
    more = {"role": "admin", "clusters": "", "may_send": "y", "is_admin": "1", "email": "root@example.com"}
    browser.press("/account", name="Vi", **more, password_hash="x", disabled_at="", id="1")
    with world.runtime.database.reading() as session:
        user = session.scalars(select(User).where(User.email == "viewer.left@example.com")).one()
        assert (user.role, user.may_send) == ("viewer", False)
        bound = select(Cluster.tag_name).join(UserCluster).where(UserCluster.user_id == user.id)
        assert session.scalars(bound).all() == ["left"]
    assert browser.look("/users").status_code == 403


@pytest.mark.security("C25")
def test_no_field_of_a_form_changes_a_status_or_another_run(log_in: LogIn, world: World) -> None:
    run_id, [mine] = made(world, ResultStatus.READY)
    other = world.run()
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    more = {"run_id": other, "run": other, "status": "sent", "removed_from": "sent", "copy": "7"}
    browser.press(f"/runs/{run_id}/results/remove", only=mine, **more)
    browser.press(f"/runs/{run_id}/results/remove", only=world.results(other)[0].id, **more)
    assert world.statuses(other) == ["ready"]
    assert world.statuses(run_id) == ["removed"]
    assert world.results(run_id)[0].removed_from == "ready"


@pytest.mark.security("C25")
def test_no_field_of_a_customers_form_moves_another_customer(
    log_in: LogIn, world: World, whole: Whole
) -> None:
    with world.runtime.database.reading() as session:
        customer = session.scalars(select(Customer)).one()
        right = session.scalars(select(Cluster).where(Cluster.tag_name == "right")).one()
    browser = log_in("manager", "left")
    url = f"/customers/{customer.id}"
    browser.look(url)
    browser.press(f"{url}/facts", name="Mine", cluster_id=right.id, cluster="right", code="X", id="7")
    with world.runtime.database.reading() as session:
        after = session.get_one(Customer, customer.id)
        assert (after.cluster_id, after.code) == (customer.cluster_id, customer.code)
