"""The pages of plans, and who may do what there."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp import notation
from webapp.new_run import generation
from webapp.notation import Notation
from webapp.plans import making, words
from webapp.plans.workdays import WorkCalendar
from webapp.store.plans import Plan, PlanOccurrence
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.store.users import AuditEntry, User


def filled(world: World, **given: object) -> dict[str, object]:
    """The form of a plan: the third working day in Amsterdam."""
    return {
        "name": "Monthly",
        "definition_id": world.definition.id,
        "cluster": "all",
        "include_children": "y",
        "period": "last_month",
        "bcc": "",
        "every": "month",
        "nth": 3,
        "day": "working_day",
        "weekday": 0,
        "shift": "",
        "at": "07:00",
        "time_zone": "Europe/Amsterdam",
        "country": "NL",
        "days_added": "2026-12-24",
        "days_struck": "",
        "count_margin": "10",
        "sum_margin": "",
        "skipped_max": "",
        "no_suspect": "y",
        "action": "wait",
        "late_hours_max": "12",
        **given,
    }


def stored(world: World) -> list[Plan]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(Plan).order_by(Plan.id)))


def add(browser: Browser, world: World, **given: object) -> int:
    browser.look("/plans/new")
    answer = browser.press("/plans", **filled(world, **given))
    assert answer.status_code == 303, text_of(answer)
    return stored(world)[-1].id


def test_a_plan_is_saved_shown_changed_and_deleted(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    plan_id = add(browser, world)
    page = browser.look(f"/plans/{plan_id}")
    words = text_of(page)
    assert "Every month on the third working day at 07:00, Europe/Amsterdam." in words
    assert page.text.count('<td role="cell" data-label="Invoices of">') == 12
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert seen
    browser.press(f"/plans/{plan_id}", **filled(world, nth=4, seen=seen[1]))
    [plan] = stored(world)
    assert (plan.nth, plan.days_added, plan.count_margin, plan.sum_margin) == (4, ["2026-12-24"], 10, None)
    assert "Monthly" in browser.look("/plans").text
    with world.runtime.database.reading() as session:
        changes = session.scalars(select(AuditEntry.detail).where(AuditEntry.subject == "plan Monthly")).all()
    assert "nth: 3 → 4" in changes
    browser.look(f"/plans/{plan_id}")
    browser.press(f"/plans/{plan_id}/delete")
    assert stored(world) == []


def test_a_form_that_someone_changed_meanwhile_is_refused(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    plan_id = add(browser, world)
    browser.look(f"/plans/{plan_id}")
    answer = browser.press(f"/plans/{plan_id}", **filled(world, nth=5, seen="0123456789abcdef"))
    assert answer.status_code == 422
    assert stored(world)[0].nth == 3


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Enter a name."),
        ("cluster", "nowhere", "There is no customer cluster “nowhere”."),
        ("at", "7 o'clock", "This is not a time."),
        ("days_added", "Christmas", "Write days as 2026-12-24"),
        ("count_margin", "ten", "Enter a whole number"),
        ("late_hours_max", "", "Enter a whole number"),
        ("time_zone", "Mars/Olympus", "Not a valid choice"),
        ("bcc", "billing", "@"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    log_in: LogIn, world: World, field: str, value: str, words: str
) -> None:
    browser = log_in("manager")
    browser.look("/plans/new")
    answer = browser.press("/plans", **filled(world, **{field: value}))
    assert answer.status_code == 422
    assert words in text_of(answer).replace("&#39;", "'")
    assert stored(world) == []


def test_pause_and_resume(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    plan_id = add(browser, world)
    due = stored(world)[0].next_at
    browser.look(f"/plans/{plan_id}")
    browser.press(f"/plans/{plan_id}/pause")
    [plan] = stored(world)
    assert (plan.next_at, plan.paused_by) == (None, "manager@example.com")
    assert "paused by" in text_of(browser.look("/plans"))
    browser.look(f"/plans/{plan_id}")
    browser.press(f"/plans/{plan_id}/resume")
    assert (stored(world)[0].next_at, stored(world)[0].paused_at) == (due, None)


def test_make_it_now_makes_a_run_that_names_its_plan(log_in: LogIn, world: World, in_cluster: object) -> None:
    world.add()
    browser = log_in("manager")
    plan_id = add(browser, world, action="create", period="this_month")
    browser.look(f"/plans/{plan_id}")
    asked = browser.press(f"/plans/{plan_id}/run")
    assert (asked.status_code, "Nothing goes out" in text_of(asked)) == (200, False)
    assert "The run is only created." in text_of(asked)
    with world.runtime.database.reading() as session:
        assert session.scalar(select(Run.id)) is None
    answer = browser.press(f"/plans/{plan_id}/run", asked="1")
    with world.runtime.database.reading() as session:
        run_id = session.scalars(select(Run.id)).one()
    assert answer.headers["Location"] == f"/runs/{run_id}"
    generation.generate(world.runtime, run_id)
    making.work_off(world.runtime)
    with world.runtime.database.reading() as session:
        made = session.scalars(select(PlanOccurrence)).one()
    assert (made.day, made.asked_by, made.state) == (None, "manager@example.com", "created")
    with world.runtime.database.reading() as session:
        assert session.get_one(Run, run_id).created_by == "manager@example.com"
    assert "Made by the plan" in text_of(browser.look(f"/runs/{run_id}"))
    assert f'href="/runs/{run_id}"' in browser.look(f"/plans/{plan_id}").text


def test_viewers_look_and_change_nothing(log_in: LogIn, world: World) -> None:
    plan_id = add(log_in("manager"), world)
    viewer = log_in("viewer")
    page = viewer.look(f"/plans/{plan_id}")
    assert page.status_code == viewer.look("/plans").status_code == 200
    assert "Make it now" not in page.text
    assert viewer.look("/plans/new").status_code == 403
    for rest in ("", "/pause", "/resume", "/delete", "/run"):
        assert viewer.press(f"/plans/{plan_id}{rest}").status_code == 403
    assert len(stored(world)) == 1


def test_a_manager_without_the_right_to_send_changes_nothing(log_in: LogIn, world: World) -> None:
    plan_id = add(log_in("manager"), world)
    other = log_in("manager", "all")
    with world.runtime.database.writing() as session:
        session.execute(update(User).where(User.email == "manager.all@example.com").values(may_send=False))
    for rest in ("/pause", "/delete", "/run"):
        other.look(f"/plans/{plan_id}")
        other.press(f"/plans/{plan_id}{rest}")
    other.look("/plans/new")
    assert other.press("/plans", **filled(world, name="Another")).status_code == 422
    [plan] = stored(world)
    assert plan.paused_at is None
    with world.runtime.database.reading() as session:
        assert session.scalar(select(Run.id)) is None
        refused = select(AuditEntry.id).where(AuditEntry.action == "refused")
        assert len(session.scalars(refused).all()) == 4


def test_plans_of_other_clusters_are_out_of_sight(log_in: LogIn, world: World) -> None:
    plan_id = add(log_in("manager"), world)
    left = log_in("manager", "left")
    assert "Monthly" not in left.look("/plans").text
    assert left.look(f"/plans/{plan_id}").status_code == 404
    left.look("/plans/new")
    assert left.press(f"/plans/{plan_id}/run").status_code == 404
    left.look("/plans/new")
    assert left.press("/plans", **filled(world, name="Mine")).status_code == 422
    assert add(left, world, name="Mine", cluster="left") != plan_id


def test_who_saves_a_plan_owns_it(log_in: LogIn, world: World) -> None:
    plan_id = add(log_in("admin"), world)
    browser = log_in("manager")
    page = browser.look(f"/plans/{plan_id}")
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert seen
    browser.press(f"/plans/{plan_id}", **filled(world, seen=seen[1]))
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Plan)).one().owner.email == "manager@example.com"


def test_the_list_is_in_the_second_row_of_runs(log_in: LogIn, pages: Flask) -> None:
    browser = log_in("manager")
    assert 'href="/plans"' in browser.look("/runs").text
    assert "There is no plan yet." in browser.look("/plans").text


def test_runs_of_a_cluster_that_the_plan_had_before_stay_out_of_sight(
    log_in: LogIn, world: World, in_cluster: object
) -> None:
    world.add()
    admin, left = log_in("admin"), log_in("manager", "left")
    plan_id = add(admin, world, action="create", period="this_month")
    admin.look(f"/plans/{plan_id}")
    admin.press(f"/plans/{plan_id}/run", asked="1")
    seen = re.search(r'name="seen" value="([^"]+)"', admin.look(f"/plans/{plan_id}").text)
    assert seen
    admin.press(f"/plans/{plan_id}", **filled(world, cluster="left", seen=seen[1]))
    with world.runtime.database.reading() as session:
        [run_id] = session.scalars(select(Run.id))
    link = f'href="/runs/{run_id}"'
    assert link in admin.look(f"/plans/{plan_id}").text
    assert link in admin.look("/plans").text
    for place in (f"/plans/{plan_id}", "/plans"):
        page = left.look(place)
        assert page.status_code == 200
        assert link not in page.text


def test_a_date_that_no_worker_made_is_told(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    plan_id = add(browser, world)
    with world.runtime.database.writing() as session:
        session.execute(update(Plan).values(next_at=now() - timedelta(minutes=9)))
    assert "Overdue" not in text_of(browser.look("/plans"))
    with world.runtime.database.writing() as session:
        session.execute(update(Plan).values(next_at=now() - timedelta(minutes=11)))
    for place in ("/plans", f"/plans/{plan_id}"):
        assert "Overdue" in text_of(browser.look(place))
        assert "not made yet" in text_of(browser.look(place))


def test_no_green_word_over_a_run_that_is_not_over(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    plan_id = add(browser, world)
    world.add()
    run_id = world.run(start=True)
    with world.runtime.database.writing() as session:
        values = {"plan_id": plan_id, "plan_name": "Monthly", "due_at": now(), "run_id": run_id}
        session.add(PlanOccurrence(**values, state="started"))
    for place in ("/plans", f"/plans/{plan_id}"):
        main = browser.look(place).text.partition("<main")[2]
        assert "Started by itself" in main
        assert "is-sent" not in main


def test_a_date_waits_only_as_long_as_its_run_does(world: World) -> None:
    made = PlanOccurrence(state="unexpected", run=Run(status="created"))
    assert words.state_look(made) == "deferred"
    made.run = Run(status="finished")
    assert words.state_look(made) == "ready"


@pytest.mark.parametrize(("language", "said"), [("nl", "Eerste kerstdag"), ("en", "Christmas Day")])
def test_holidays_are_named_in_the_reader_s_language(language: str, said: str) -> None:
    with notation.reading(Notation(language=language)):
        assert WorkCalendar("NL").holiday_name(date(2026, 12, 25)) == said
        assert WorkCalendar("AT").holiday_name(date(2026, 12, 25)) in ("Christtag", "Christmas Day")


def test_clusters_are_suggested(log_in: LogIn, world: World) -> None:
    page = log_in("manager", "left").look("/plans/new").text
    assert 'list="clusters"' in page
    assert '<option value="left"></option>' in page
    assert '<option value="all"></option>' not in page
