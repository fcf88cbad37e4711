"""From the page of a run to the place where it is fixed, for those who may."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from tests.http_client import LogIn, text_of
from tests.results.test_filters import set_fields
from tests.world import World
from webapp.results.fixes import open_cause
from webapp.results.to_fix import OpenCause
from webapp.runs.fix_links import FIXABLE, fix_shown, these
from webapp.runs.labels import open_tasks
from webapp.runs.outcome import HELD, SENT_BEFORE
from webapp.store.customers import Cluster
from webapp.store.runs import Run
from webapp.store.statuses import REASONS_OF_INVOICES


def run(**changed: object) -> Run:
    values = {
        "id": 5,
        "cluster": Cluster(tag_name="DACH & co"),
        "include_children": True,
        "period_from": date(2026, 10, 1),
        "period_to": date(2026, 10, 31),
    }
    return Run(**{**values, **changed})


PERIOD = "from=2026-10-01&to=2026-10-31"


@pytest.mark.parametrize(
    ("query", "n", "words", "href"),
    [
        ("status=failed", 3, "Fix these 3", "/fix?run=5"),
        ("status=failed", 1, "Fix this one", "/fix?run=5"),
        ("status=bounced", 2, "Fix these 2", "/fix?run=5&cause=bounced"),
        ("status=unconfirmed", 1, "Decide on this one", "/fix?run=5&cause=unconfirmed"),
        ("reason=no_recipient", 6, "Fix these 6", "/fix?run=5&cause=no_recipient"),
        ("reason=suspect_document", 1_200, "Check these 1,200", "/fix?run=5&cause=suspect_document"),
        (
            "reason=suspended",
            2,
            "Resume these 2",
            "/customers?cluster=DACH+%26+co&include_children=y&status=suspended",
        ),
        (
            "reason=not_approved",
            4,
            "Approve these 4",
            f"/invoices?cluster=DACH+%26+co&include_children=y&{PERIOD}&status=open",
        ),
    ],
)
def test_every_problem_leads_to_its_fix(query: str, n: int, words: str, href: str) -> None:
    fix = fix_shown(run(), query, n, {})
    assert fix
    assert (fix.words, fix.href) == (words, href)


@pytest.mark.parametrize("query", ["reason=already_sent", "status=sent", "status=removed", "status=ready"])
def test_what_nothing_is_to_be_done_about_leads_nowhere(query: str) -> None:
    assert fix_shown(run(), query, 3, {}) is None


def test_an_archived_run_has_nothing_in_the_list_to_fix() -> None:
    assert fix_shown(run(archived_at=datetime(2026, 11, 1, tzinfo=UTC)), "reason=no_recipient", 3, {}) is None
    assert fix_shown(run(), "reason=no_recipient", 0, {}) is None


def test_all_that_was_skipped_leads_to_its_one_cause_or_to_the_run() -> None:
    def skipped(**reasons: int) -> str:
        fix = fix_shown(run(), "status=skipped", 9, reasons)
        return f"{fix.words} {fix.href}" if fix else ""

    assert skipped(no_recipient=6, already_sent=3) == "Fix these 6 /fix?run=5&cause=no_recipient"
    assert skipped(no_recipient=6, no_password=1) == "Fix these 7 /fix?run=5"
    assert skipped(already_sent=3) == ""


def test_every_reason_is_fixed_or_has_no_fix() -> None:
    assert {*FIXABLE, *HELD, *SENT_BEFORE} == set(REASONS_OF_INVOICES)
    assert open_cause("skipped", "already_sent") is None
    assert open_cause("failed", "") is None, "a mail fails for its address or for something else"


def test_the_start_page_says_what_is_done_and_to_how_many() -> None:
    waiting = {OpenCause.NO_RECIPIENT: 7, OpenCause.UNCONFIRMED: 1, OpenCause.BOUNCED: 0}
    assert [(task.link, task.href) for task in open_tasks(waiting, may_fix=True)] == [
        ("Fix these 7", "/fix?cause=no_recipient"),
        ("Decide on this one", "/fix?cause=unconfirmed"),
    ]
    assert [task.link for task in open_tasks(waiting, may_fix=False)] == [
        "Look at these 7",
        "Look at this one",
    ]
    assert these("Fix", 1_000) == "Fix these 1,000"


def test_a_run_leads_to_the_fix_and_a_viewer_sees_no_dead_link(log_in: LogIn, world: World) -> None:
    for _ in range(2):
        world.add("")
    world.add()
    run_id = world.run()
    fix = f"/fix?run={run_id}&amp;cause=no_recipient"
    browser = log_in("manager")
    page = browser.look(f"/runs/{run_id}?reason=no_recipient").text
    links = re.findall(rf'<a [^>]*href="{re.escape(fix)}"[^>]*>(.*?)</a>', page, re.S)
    assert [re.sub(r"\s*<.*", "", link, flags=re.S) for link in links] == [
        *("Fix these 2", "Fix these 2"),
        *("Add an address", "Add an address"),
    ]
    assert "2 mails cannot be sent. 2 no recipient." in text_of(browser.look(f"/runs/{run_id}"))
    seen = log_in("viewer").look(f"/runs/{run_id}?reason=no_recipient")
    assert "/fix?" not in seen.text
    assert "Look at these 2" in text_of(seen)


def test_a_row_of_a_running_run_keeps_its_fix_in_the_answer_to_the_poll(log_in: LogIn, world: World) -> None:
    world.add("")
    world.add()
    run_id = world.run(start=True)
    id = next(result.id for result in world.results(run_id) if result.status == "skipped")
    set_fields(world, id, detail="")
    answer = log_in("manager").look(f"/runs/{run_id}/live?rows={id}", htmx=True).text
    assert f'id="fix-{id}" href="/fix?run={run_id}&amp;cause=no_recipient"' in answer
