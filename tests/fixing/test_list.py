"""The list of what is open: its parts, what each row says, and the numbers."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from tests import factories
from tests.fixing.conftest import part
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp import access
from webapp.access import OPERATOR, Viewer
from webapp.results import to_fix
from webapp.results.to_fix import OpenCause
from webapp.store.customers import Customer
from webapp.store.runs import Result
from webapp.store.statuses import Role


def test_item5_a_customer_without_address_is_there_once_for_all_runs(world: World, log_in: LogIn) -> None:
    world.add("")
    world.add("a@x.test")
    first, second = world.run(), world.run()
    browser = log_in()
    said = part(browser, "no-recipient")
    assert "No address for a key 1 customer" in said
    assert "no address with key “billing”" in said
    assert "Address for “billing”" in said
    assert re.search(r"frees 1 result in “.*” , 1 in “.*”", said)
    assert f"/runs/{first}" in browser.look("/fix").text
    assert f"/runs/{second}" in browser.look("/fix").text
    with world.runtime.database.reading() as session:
        counts = to_fix.counts(session, OPERATOR)
    assert {cause: n for cause, n in counts.items() if n} == {OpenCause.NO_RECIPIENT: 1}
    assert "To fix 1 waiting" in text_of(browser.look("/customers"))


@pytest.mark.parametrize("few_max", [5_000, 0])
def test_each_cause_is_counted_and_listed_in_its_clusters(
    world: World, log_in: LogIn, few_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "FEW_CUSTOMERS_MAX", few_max)
    world.add("")
    for n in range(5):
        world.add(f"c{n}@x.test")
    run_id = world.run()
    with world.runtime.database.writing() as session:
        apart = factories.cluster(session, "apart")
        skipped, bad, other, back, unsure, moved = session.scalars(select(Result).order_by(Result.id))
        bad.status, bad.smtp_reply = "failed", "550 5.1.1 no such user"
        other.status, other.smtp_reply = "failed", "554 5.7.1 blocked"
        back.status, unsure.status, moved.status = "bounced", "unconfirmed", "bounced"
        session.get_one(Customer, moved.customer_id).cluster_id = apart.id
        assert skipped.reason == "no_recipient"
        ids = world.everybody.id, apart.id
    with world.runtime.database.reading() as session:

        def numbers(cluster_id: int | None = None, viewer: Viewer = OPERATOR) -> dict[str, int]:
            found = to_fix.counts(session, viewer, run_id, cluster_id)
            return {cause.value: n for cause, n in found.items() if n}

        here = {"no_recipient": 1, "failed": 1, "failed_otherwise": 1, "bounced": 1, "unconfirmed": 1}
        assert numbers() == {**here, "bounced": 2}
        assert numbers(ids[0]) == here
        assert numbers(ids[1]) == {"bounced": 1}
        assert numbers(viewer=Viewer("m@x.test", Role.MANAGER, frozenset({ids[1]}))) == {"bounced": 1}
    browser = log_in()
    assert "1 customer" in part(browser, "bounced", "/fix?cluster=apart")
    assert part(browser, "unconfirmed", "/fix?cluster=apart") == ""
    assert "1 customer" in part(browser, "unconfirmed", "/fix?cluster=all")
