"""Requests that no page of ours makes (F14, F15)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from tests.http_client import LogIn, text_of
from tests.results.staged import made
from tests.world import World
from webapp import create_app
from webapp.config import Settings
from webapp.extensions import Runtime
from webapp.store.statuses import ResultStatus
from webapp.store.users import AuditEntry


def actions(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.mark.security("C12")
@pytest.mark.parametrize("path", ["/static//x", "/x//runs", "/runs//new"])
def test_f14_no_address_leads_to_another_host(pages: Flask, path: str) -> None:
    answer = pages.test_client().get(path, headers={"Host": "evil.test"})
    assert "evil.test" not in answer.headers.get("Location", "")


@pytest.mark.security("C12")
def test_f14_only_our_own_names_are_answered(settings: Settings) -> None:
    client = create_app(replace(settings, hosts=("mailrun.example.com",))).test_client()
    assert client.get("/login", headers={"Host": "evil.test"}).status_code == 400
    assert client.get("/setup", headers={"Host": "mailrun.example.com"}).status_code == 200


@pytest.mark.security("C27")
def test_f14_what_is_created_downloaded_and_refused_is_audited(
    log_in: LogIn, world: World, runtime: Runtime
) -> None:
    world.add()
    run_id = world.run()
    viewer = log_in("viewer")
    assert viewer.look(f"/runs/{run_id}/report.csv?status=ready").data
    assert viewer.look(f"/runs/{run_id}/evidence.zip").data
    viewer.look("/runs/new")
    assert actions(runtime)[-3:] == ["download report", "download evidence", "refused"]
    assert "create" in actions(runtime)


@pytest.mark.security("C29")
def test_f14_a_person_may_not_send_tests_without_end(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    answers = [browser.press("/definitions/test").status_code for _ in range(11)]
    assert answers[-1] == 429
    assert 429 not in answers[:10]


@pytest.mark.security("C11")
def test_f10_no_document_or_mail_stays_in_a_browsers_cache(log_in: LogIn, world: World) -> None:
    world.add()
    id = world.results(world.run())[0].id
    browser = log_in("viewer")
    for path in ("documents/1", "documents/1?look=1", "mail.eml", "mail"):
        answer = browser.look(f"/results/{id}/{path}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), path


def test_f15_a_confirmation_that_does_not_say_what_it_showed_is_refused(log_in: LogIn, world: World) -> None:
    run_id, [id] = made(world, ResultStatus.SENT)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/send-again", only=id, asked="1", confirmed="1")
    assert world.statuses(run_id) == ["sent"]
    assert "Reload it, and press Send again there." in text_of(browser.look(f"/runs/{run_id}"))


def test_f15_the_key_of_another_persons_form_tells_nothing(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.READY, ResultStatus.READY)
    owner, other = log_in("manager"), log_in("admin")
    owner.look(f"/runs/{run_id}")
    other.look(f"/runs/{run_id}")
    key = owner.keys["form_key"]
    owner.press(f"/runs/{run_id}/results/remove", only=ids[0])
    fields = {"csrf_token": other.keys["csrf_token"], "form_key": key, "only": ids[1]}
    other.client.post(f"/runs/{run_id}/results/remove", data=fields)
    assert world.statuses(run_id) == ["removed", "removed"]
