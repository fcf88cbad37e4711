"""Who sees what on the list, and what two people get to know of each other."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from tests import factories
from tests.fixing.conftest import fields, part
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.results.to_fix import OpenCause
from webapp.store.customers import Cluster, CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.users import AuditEntry


@pytest.fixture
def diamond(world: World, branches: None) -> dict[str, int]:
    """A created run over "left" and one over "all", each with a customer of "left" and one of "both" that
    have no address."""
    with world.runtime.database.writing() as session:
        ids = {name: id for name, id in session.execute(select(Cluster.tag_name, Cluster.id))}
        for name, home in (("Strangers", "left"), ("Shared", "both")):
            payer = factories.customer(session, session.get_one(Cluster, ids[home]), "", name=name)
            factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    return {"left": world.run(cluster_id=ids["left"]), "all": world.run()}


def state(world: World) -> list[object]:
    with world.runtime.database.reading() as session:
        addresses = list(session.scalars(select(CustomerEmail.address)))
        return [addresses, session.scalars(select(AuditEntry.subject)).all()]


def test_item5_a_viewer_sees_the_list_and_no_form(
    log_in: LogIn, world: World, diamond: dict[str, int]
) -> None:
    browser = log_in("viewer", "left")
    page = browser.look("/fix").text
    assert "Strangers" in page
    main = page.partition("<main")[2].partition("</main>")[0]
    assert not re.search(
        r'method="post"|<button[^>]*name=|name="value-', main.replace('method="post" action="/fix"', "")
    )
    admin = log_in()
    posted = fields(admin, OpenCause.NO_RECIPIENT, value="x@x.test")
    before = state(world)
    assert browser.press("/fix", **posted).status_code == 403
    assert browser.press("/fix/undo", **posted).status_code == 403
    assert browser.look("/fix/send?customer=no_recipient.1").status_code == 403
    assert state(world)[0] == before[0] == []
    assert world.statuses(diamond["left"]) == ["skipped", "skipped"]


def test_item5_a_manager_fixes_her_customers_and_sends_in_her_runs_only(
    log_in: LogIn, world: World, diamond: dict[str, int]
) -> None:
    theirs = fields(log_in(), OpenCause.NO_RECIPIENT, 0, value="x@x.test")
    browser = log_in("manager", "right")
    page = browser.look("/fix")
    assert ("Shared" in page.text, "Strangers" in page.text) == (True, False)
    assert "To fix 1 waiting" in text_of(page)
    assert "2 results in runs over clusters that are not yours" in part(browser, "no-recipient")
    for url in ("/fix?cause=no_recipient", f"/fix?run={diamond['all']}", "/fix?cluster=right"):
        assert "Strangers" not in browser.look(url).text, url
    assert browser.look("/fix?cluster=left").status_code == 404
    before = state(world)
    browser.look("/fix")
    assert browser.press("/fix", **theirs).status_code == 422
    assert state(world) == before
    browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="shared@x.test"))
    assert "Saved." in text_of(browser.look("/fix"))
    assert world.statuses(diamond["all"]) == ["skipped", "skipped"]
    left = log_in("manager", "left")
    left.press("/fix", **fields(left, OpenCause.NO_RECIPIENT, 1))
    assert sorted(world.statuses(diamond["left"])) == ["ready", "skipped"]
    assert world.statuses(diamond["all"]) == ["skipped", "skipped"]


def test_item5_the_second_of_two_people_is_told(log_in: LogIn, world: World) -> None:
    world.add("")
    world.run()
    one, other = log_in("manager"), log_in()
    posted = fields(one, OpenCause.NO_RECIPIENT, value="first@x.test")
    second = fields(other, OpenCause.NO_RECIPIENT, value="second@x.test")
    one.press("/fix", **posted)
    refused = other.press("/fix", **second)
    assert refused.status_code == 422
    assert "changed by another person" in refused.text
    assert state(world)[0] == ["first@x.test"]


def test_item5_undo_takes_the_address_back_and_holds_the_mail(log_in: LogIn, world: World) -> None:
    world.add("")
    run_id = world.run()
    browser = log_in("manager")
    browser.press("/fix", **fields(browser, OpenCause.NO_RECIPIENT, value="wrong@x.test"))
    page = browser.look("/fix").text
    saved = page.partition('class="saved"')[2].partition("</li>")[0]
    given = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', saved))
    token = re.search(r'name="undo" value="([^"]+)"', saved)
    assert token
    browser.press("/fix/undo", undo=token[1], **given)
    assert "Undone. 1 mail is held back again." in text_of(browser.look("/fix"))
    assert world.statuses(run_id) == ["skipped"]
    assert state(world)[0] == []
    assert world.results(run_id)[0].reason == "no_recipient"


def test_item5_several_rows_are_saved_at_once(log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add("")
    run_id = world.run()
    browser = log_in("manager")
    given = [fields(browser, OpenCause.NO_RECIPIENT, n, value=f"a{n}@x.test") for n in (0, 2)]
    both = {name: value for each in given for name, value in each.items() if name != "only"}
    browser.press("/fix", **both)
    assert world.statuses(run_id) == ["ready", "skipped", "ready"]


@pytest.mark.parametrize(
    "fields",
    [
        {"undo": "no_recipient." + "9" * 30, "undo-made-no_recipient." + "9" * 30: "1"},
        {"undo": "no_recipient.1", "undo-made-no_recipient.1": "9" * 5000},
        {"undo": "no_recipient.1", "undo-made-no_recipient.1": "1", "undo-ids-no_recipient.1": "9" * 5000},
    ],
)
def test_f_an_undo_of_no_number_is_refused(log_in: LogIn, world: World, fields: dict[str, str]) -> None:
    world.add("")
    browser = log_in()
    browser.look("/customers/new")
    assert browser.press("/fix/undo", **fields).status_code in (303, 404, 422)


def test_f_a_password_is_told_by_the_name_of_its_field(log_in: LogIn, world: World) -> None:
    """So it is not handed back after a login that ended."""
    world.add("a@customers.test")
    with world.runtime.database.writing() as session:
        session.get_one(MessageDefinition, world.definition.id).password_key = "pin"
    world.run()
    page = log_in().look("/fix").text
    assert re.search(r'name="password-no_password[^"]*"\s+type="password"', page)
    assert 'name="value-no_password' not in page
