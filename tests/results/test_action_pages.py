"""What a person does to results in the pages. For each action: it works, a second press of the same form does
not repeat it, it says so when it was done already, and htmx is led on. Who may, and by which method, is asked
of every route in test_access.py."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.http_client import LogIn, text_of
from tests.results.staged import lead, made, said
from tests.world import World
from webapp.store.customers import Cluster, Customer
from webapp.store.invoices import TransformationResult
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.store.users import AuditEntry


@dataclass(frozen=True)
class Action:
    verb: str
    before: ResultStatus
    after: ResultStatus
    done: str
    again: str


ACTIONS = [
    Action(
        "send-again",
        ResultStatus.FAILED,
        ResultStatus.READY,
        "1 mail will be sent again.",
        "Not sent: ready already",
    ),
    Action(
        "remove",
        ResultStatus.READY,
        ResultStatus.REMOVED,
        "1 result removed.",
        "Not removed: already removed.",
    ),
    Action(
        "put-back",
        ResultStatus.REMOVED,
        ResultStatus.READY,
        "1 result put back.",
        "Not put back: not removed.",
    ),
    Action(
        "mark-sent",
        ResultStatus.UNCONFIRMED,
        ResultStatus.SENT,
        "1 mail marked as sent.",
        "Not marked: the status is sent, not unconfirmed.",
    ),
    Action(
        "mark-bounced",
        ResultStatus.SENT,
        ResultStatus.BOUNCED,
        "1 mail marked as bounced.",
        "Not marked: the status is bounced, not sent.",
    ),
]
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.verb)


@each_action
def test_it_works_and_a_second_press_of_the_form_does_nothing(
    log_in: LogIn, world: World, action: Action
) -> None:
    run_id, [id] = made(world, action.before)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    url, keys = f"/runs/{run_id}/results/{action.verb}", dict(browser.keys)
    first = browser.press(url, only=id, status=action.before)
    assert (first.status_code, first.location) == (303, f"/runs/{run_id}?status={action.before}")
    assert world.statuses(run_id) == [action.after]
    assert action.done in said(browser, first.location)
    browser.keys = keys
    second = browser.press(url, only=id)
    assert second.location == first.location
    assert "Nothing was done a second time" in said(browser, f"/runs/{run_id}")
    with world.runtime.database.reading() as session:
        changes = session.query(AuditEntry).filter(AuditEntry.subject == f"run {run_id}").all()
        assert [change.actor for change in changes if change.action != "create"] == ["manager@example.com"]


@each_action
def test_done_already_is_said_with_the_reason(log_in: LogIn, world: World, action: Action) -> None:
    run_id, [id] = made(world, action.before)
    browser = log_in("manager")
    for expected in (action.done, action.again):
        browser.look(f"/runs/{run_id}")
        browser.press(f"/runs/{run_id}/results/{action.verb}", id=[id])
        assert expected in said(browser, f"/runs/{run_id}")
    assert world.statuses(run_id) == [action.after]


@each_action
def test_htmx_stays_where_it_is_and_refreshes(log_in: LogIn, world: World, action: Action) -> None:
    run_id, [id] = made(world, action.before)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    answer = browser.press(f"/runs/{run_id}/results/{action.verb}", only=id, htmx=True)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "changed")
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Push-Url"]) == ("#toasts", "false")
    assert action.done in text_of(answer)
    assert world.statuses(run_id) == [action.after]


@each_action
@pytest.mark.parametrize("chosen", [{}, {"id": "x"}, {"only": "-1"}, {"page": "1", "rows": ""}])
def test_without_a_ticked_row_nothing_happens(
    log_in: LogIn, world: World, action: Action, chosen: dict[str, str]
) -> None:
    run_id, _ = made(world, action.before)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/{action.verb}", **chosen)
    assert world.statuses(run_id) == [action.before]
    assert "No row is selected" in said(browser, f"/runs/{run_id}")


@each_action
def test_a_filter_that_is_not_understood_is_refused(log_in: LogIn, world: World, action: Action) -> None:
    run_id, _ = made(world, action.before)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    answer = browser.press(f"/runs/{run_id}/results/{action.verb}", all="1", status="bogus", asked="1")
    assert answer.status_code == 404
    assert world.statuses(run_id) == [action.before]


def test_without_script_the_box_above_means_the_rows_on_screen(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.READY, ResultStatus.READY, ResultStatus.READY)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/remove", page="1", rows="-".join(ids[:2]))
    assert world.statuses(run_id) == ["removed", "removed", "ready"]


@pytest.mark.security("C2")
@pytest.mark.parametrize(
    ("verb", "was"),
    [
        ("send-again", ResultStatus.SENT),
        ("remove", ResultStatus.FAILED),
        ("put-back", ResultStatus.REMOVED),
        ("let-pass", ResultStatus.SKIPPED),
        ("mark-sent", ResultStatus.UNCONFIRMED),
        ("mark-bounced", ResultStatus.SENT),
    ],
)
def test_results_a_person_no_longer_sees_are_not_changed(
    log_in: LogIn, world: World, verb: str, was: ResultStatus
) -> None:
    """The customer has moved to another cluster since the run was made."""
    with world.runtime.database.writing() as session:
        left = session.scalars(select(Cluster).where(Cluster.tag_name == "left")).one()
        payer = factories.customer(session, factories.cluster(session, "own", left))
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    run_id = world.run(cluster_id=left.id)
    lead(world, run_id, was, reason="suspect_document" if was == ResultStatus.SKIPPED else "")
    if was == ResultStatus.SKIPPED:
        with world.runtime.database.writing() as session:
            session.execute(update(TransformationResult).values(suspect=True))
    browser = log_in("manager", "left")
    for cluster_id, is_changed in ((world.everybody.id, False), (left.id, True)):
        with world.runtime.database.writing() as session:
            session.get_one(Customer, payer.id).cluster_id = cluster_id
        for which in ({"only": str(world.results(run_id)[0].id)}, {"all": "1", "seen": "1"}):
            browser.look(f"/runs/{run_id}")
            yes = {"asked": "1", "confirmed": "1"}
            if verb == "send-again":
                yes["as_of"] = now().isoformat()
            browser.press(f"/runs/{run_id}/results/{verb}", **yes, **which)
            if not is_changed:
                assert world.statuses(run_id) == [was]
        assert (world.statuses(run_id) != [was]) == is_changed


def test_e3_what_was_sent_stays_counted_as_sent(log_in: LogIn, world: World) -> None:
    run_id, [id] = made(world, ResultStatus.SENT)
    browser = log_in("manager")
    assert "/results/remove" not in browser.look(f"/results/{id}").text
    browser.press(f"/runs/{run_id}/results/remove", only=id)
    assert world.statuses(run_id) == ["sent"]
    assert "already sent, so it stays in the record" in text_of(browser.look(f"/runs/{run_id}"))


def test_undo_puts_back_those_and_keeps_the_filter(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.FAILED, ResultStatus.READY, ResultStatus.READY)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}?status=ready")
    browser.press(f"/runs/{run_id}/results/remove", id=ids[1:2], status="ready")
    page = browser.look(f"/runs/{run_id}?status=ready").text
    form = page[page.index("/results/put-back") : page.index("Undo")]
    assert re.findall(r'name="id" value="([^"]*)"', form) == [ids[1]]
    assert 'name="status" value="ready"' in form


def test_each_row_has_the_buttons_its_status_allows(log_in: LogIn, world: World) -> None:
    run_id, ids = made(
        world,
        ResultStatus.READY,
        ResultStatus.SENT,
        ResultStatus.UNCONFIRMED,
        ResultStatus.FAILED,
        ResultStatus.REMOVED,
    )
    browser = log_in("manager")
    page = browser.look(f"/runs/{run_id}").text + browser.look(f"/runs/{run_id}?status=removed").text
    expected = {
        0: {"remove"},
        1: {"send-again"},
        2: {"send-again", "remove"},
        3: {"send-again", "remove"},
        4: {"put-back"},
    }
    for at, verbs in expected.items():
        row = page[page.index(f'id="r{ids[at]}"') :].partition("</tr>")[0]
        found = {part.partition('"')[0] for part in row.split(f"/runs/{run_id}/results/")[1:]}
        assert found == verbs, at
        buttons = re.findall(r"<button[^>]*>", row)
        assert sum(f'aria-describedby="inv-{ids[at]}"' in button for button in buttons) == len(verbs)


def test_a_viewer_is_shown_no_button_that_would_be_refused(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.FAILED)
    browser = log_in("viewer")
    for url in (f"/runs/{run_id}", f"/results/{ids[0]}", "/runs"):
        page = browser.look(url).text
        assert "Send again" not in page
        assert 'method="post" action="/runs/1/sending"' not in page
        assert "New run" not in page
