"""A user is told of one run, or of the runs of one plan, as they say on their pages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories
from tests.http_client import Browser, text_of
from tests.notices.conftest import JONAS, MARIT, Office
from tests.plans.conftest import Plans
from webapp.lifecycle import runs
from webapp.store.customers import Cluster
from webapp.store.notices import NoticeKind, NoticeWay, RunSubscription
from webapp.store.plans import PlanOccurrence
from webapp.store.runs import Run
from webapp.store.users import AuditEntry, User

TELL, STOP = "Tell me when it finishes", "Stop telling me"


def browser_of(pages: Flask, email: str) -> Browser:
    """This person is logged in."""
    browser = Browser(pages.test_client())
    browser.log_in(email)
    return browser


def audited(office: Office, email: str) -> list[str]:
    """What the trail says of the choices of this person."""
    changes = (AuditEntry.action == "change", AuditEntry.subject == email)
    with office.world.runtime.database.reading() as session:
        return list(session.scalars(select(AuditEntry.detail).where(*changes).order_by(AuditEntry.id)))


def test_who_may_only_look_is_told_of_one_run_and_can_stop_it(office: Office, pages: Flask) -> None:
    office.person(MARIT, "viewer")
    marit = browser_of(pages, MARIT)
    first, second = office.world.run(), office.world.run()
    assert TELL in text_of(marit.look(f"/runs/{first}"))
    answer = marit.press(f"/runs/{first}/notices")
    page = text_of(marit.look(answer.location))
    assert "You are told when this run finishes" in page
    assert STOP in page
    assert TELL in text_of(marit.look(f"/runs/{second}"))
    office.start(first)
    office.start(second)
    assert [(each.kind, each.run_id) for each in office.notices(MARIT)] == [("run_finished", first)]
    assert [each.run_id for each in office.notices(JONAS)] == [first, second]

    third = office.world.run()
    marit.look(f"/runs/{third}")
    marit.press(f"/runs/{third}/notices")
    marit.look(f"/runs/{third}")
    marit.press(f"/runs/{third}/notices/end")
    assert TELL in text_of(marit.look(f"/runs/{third}"))
    office.start(third)
    assert len(office.notices(MARIT)) == 1
    assert audited(office, MARIT) == [
        f"notices, run {first}: not told → told",
        f"notices, run {third}: not told → told",
        f"notices, run {third}: told → not told",
    ]


def test_who_starts_it_is_told_and_can_leave(office: Office, pages: Flask) -> None:
    office.world.add()
    run_id = office.world.run()
    office.start(run_id)
    jonas = browser_of(pages, JONAS)
    assert STOP in text_of(jonas.look(f"/runs/{run_id}"))
    jonas.press(f"/runs/{run_id}/notices/end", htmx=True)
    assert TELL in text_of(jonas.look(f"/runs/{run_id}"))
    with office.world.runtime.database.writing() as session:
        runs.stop_automatically(session, session.get_one(Run, run_id), "It stopped itself: a test.")
    assert office.notices() == []
    jonas.look(f"/runs/{run_id}")
    jonas.press(f"/runs/{run_id}/notices", htmx=True)
    office.start(run_id)
    with office.world.runtime.database.writing() as session:
        runs.stop_automatically(session, session.get_one(Run, run_id), "It stopped itself: a test.")
    assert office.told(JONAS) == [("run_stopped", "waiting")]


def test_to_leave_one_run_counts_before_wanting_every_run(office: Office, pages: Flask) -> None:
    marit = office.person(MARIT, "viewer")
    office.want(marit, NoticeKind.RUN_FINISHED, NoticeWay.AT_ONCE, of_all=True)
    run_id, other = office.world.run(), office.world.run()
    browser = browser_of(pages, MARIT)
    assert STOP in text_of(browser.look(f"/runs/{run_id}"))
    browser.press(f"/runs/{run_id}/notices/end")
    office.start(run_id)
    office.start(other)
    assert [each.run_id for each in office.notices(MARIT)] == [other]


def test_pressing_twice_stores_and_notes_it_once(office: Office, pages: Flask) -> None:
    office.person(MARIT, "viewer")
    marit, run_id = browser_of(pages, MARIT), office.world.run()
    for _n in range(2):
        marit.look(f"/runs/{run_id}")
        assert marit.press(f"/runs/{run_id}/notices").status_code == 303
    with office.world.runtime.database.reading() as session:
        assert len(session.scalars(select(RunSubscription)).all()) == 1
    assert len(audited(office, MARIT)) == 1


def test_who_is_told_of_no_finished_run_is_told_where_to_change_that(office: Office, pages: Flask) -> None:
    marit = office.person(MARIT, "viewer")
    office.want(marit, NoticeKind.RUN_FINISHED, NoticeWay.OFF)
    browser, run_id = browser_of(pages, MARIT), office.world.run()
    assert TELL in text_of(browser.look(f"/runs/{run_id}"))
    answer = browser.press(f"/runs/{run_id}/notices")
    assert "Under Account you chose not to be told" in text_of(browser.look(answer.location))
    assert audited(office, MARIT) == []


@pytest.mark.security("C2")
def test_who_does_not_see_a_run_whole_is_never_told_of_it(office: Office, pages: Flask) -> None:
    with office.world.runtime.database.writing() as session:
        left = session.scalars(select(Cluster).where(Cluster.tag_name == "left")).one()
        beside = factories.cluster(session, "beside")
        payer = factories.customer(session, left)
        factories.invoice(session, payer)
    office.person("part@office.test", "manager", left)
    office.person("beside@office.test", "manager", beside)
    run_id = office.world.run()
    part = browser_of(pages, "part@office.test")
    page = text_of(part.look(f"/runs/{run_id}"))
    assert "You see a part of this run." in page
    assert TELL not in page
    part.look("/account")
    refused = text_of(part.look(part.press(f"/runs/{run_id}/notices").location))
    assert "Only those who see it whole are told of it" in refused
    other = browser_of(pages, "beside@office.test")
    other.look("/account")
    assert other.press(f"/runs/{run_id}/notices").status_code == 404
    with office.world.runtime.database.writing() as session:
        assert session.scalars(select(RunSubscription)).all() == []
        noted = select(AuditEntry.subject).where(AuditEntry.action == "refused")
        assert session.scalars(noted).all() == [f"run {run_id}"]
        users = session.scalars(
            select(User).where(User.email.in_(["part@office.test", "beside@office.test"]))
        )
        for user in users:  # as if they had seen it whole before
            session.add(RunSubscription(run_id=run_id, user_id=user.id, wanted=True))
    office.start(run_id)
    assert office.told("part@office.test", "beside@office.test") == []


def test_who_can_no_longer_log_in_is_not_told(office: Office, pages: Flask) -> None:
    marit, run_id = office.person(MARIT, "viewer"), office.world.run()
    browser = browser_of(pages, MARIT)
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/notices")
    with office.world.runtime.database.writing() as session:
        user = session.get_one(User, marit.id)
        user.disabled_at = user.created_at
    office.start(run_id)
    assert office.notices(MARIT) == []


def test_the_runs_of_a_plan_are_told_as_said_of_it_or_else_of_the_run(office: Office, pages: Flask) -> None:
    office.person("jonas@example.com")
    office.person(MARIT, "viewer")
    plan_id = Plans(office.world).add()
    marit, owner = browser_of(pages, MARIT), browser_of(pages, "jonas@example.com")
    assert "Tell me about its runs" in text_of(marit.look(f"/plans/{plan_id}"))
    marit.press(f"/plans/{plan_id}/notices")
    assert "Stop telling me about its runs" in text_of(marit.look(f"/plans/{plan_id}"))
    assert "Stop telling me about its runs" in text_of(owner.look(f"/plans/{plan_id}"))
    owner.press(f"/plans/{plan_id}/notices/end")
    assert audited(office, MARIT) == ["notices, plan Monthly: not told → told"]
    made = [office.world.run() for _n in range(3)]
    with office.world.runtime.database.writing() as session:
        for n, run_id in enumerate(made[:2], 1):
            day, due_at = date(2026, 11, n), datetime(2026, 11, n, 6, tzinfo=UTC)
            about = {"plan_id": plan_id, "plan_name": "Monthly", "day": day, "due_at": due_at}
            session.add(PlanOccurrence(**about, run_id=run_id, state="started"))
    marit.look(f"/runs/{made[1]}")
    marit.press(f"/runs/{made[1]}/notices/end")
    for run_id in made:
        office.start(run_id, "jonas@example.com")
    assert [each.run_id for each in office.notices(MARIT)] == [made[0]]
    assert [each.run_id for each in office.notices("jonas@example.com")] == [made[2]]


@pytest.mark.security("C2")
def test_a_plan_out_of_sight_is_not_found(office: Office, pages: Flask) -> None:
    office.person("jonas@example.com")
    with office.world.runtime.database.writing() as session:
        beside = factories.cluster(session, "beside")
    office.person("beside@office.test", "manager", beside)
    plan_id = Plans(office.world).add()
    browser = browser_of(pages, "beside@office.test")
    browser.look("/account")
    assert browser.press(f"/plans/{plan_id}/notices").status_code == 404
