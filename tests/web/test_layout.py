"""What the frame says on every page, and whether the installation says it is ready."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import text

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.extensions import Runtime
from webapp.mailservers import backoff
from webapp.queue import JobQueue
from webapp.store.statuses import TroubleKind
from webapp.web.layout import CachedStatus, banners, load_status, show_count


def with_redis(parts: Runtime, url: str) -> Runtime:
    return replace(parts, settings=replace(parts.settings, redis_url=url), queue=JobQueue(url))


@pytest.mark.parametrize(
    ("url", "door", "row"),
    [
        ("/", "Overview", ""),
        ("/runs", "Runs", "Runs"),
        ("/plans", "Runs", "Plans"),
        ("/customers", "Customers", "Customers"),
        ("/clusters", "Customers", "Clusters"),
        ("/templates", "Definitions", "Templates"),
    ],
)
def test_a_page_says_behind_which_door_it_is(
    pages: Flask, log_in: LogIn, url: str, door: str, row: str
) -> None:
    show_count(pages, "Runs", lambda session, viewer: 1_234)
    page = log_in().look(url).text
    marked = re.findall(r'aria-current="page">\s*([A-Z]\w+)', page)
    assert marked == [name for name in (door, row) if name]
    assert re.search(rf'popovertarget="nav">\s*<svg.*?</svg>{door}</button>', page)
    assert '<span class="count">1,234' in page
    assert 'href="/dev/mailbox"' not in page, "its pages do not exist"


def test_no_redis_is_said_as_it_is(log_in: LogIn) -> None:
    assert "No Redis: the workers drain without it" in text_of(log_in("viewer").look("/runs"))


def test_a_redis_that_is_away_is_said_and_sending_goes_on(
    pages: Flask, runtime: Runtime, log_in: LogIn
) -> None:
    pages.extensions["mailrun"] = with_redis(runtime, "redis://127.0.0.1:1/0")
    assert "Redis is away. The workers look for work by themselves" in text_of(log_in().look("/runs"))
    ready = Browser(pages.test_client()).look("/readyz")
    assert (ready.status_code, ready.get_json()["redis"]) == (200, "does not answer")


def test_b9_a_full_redis_is_said_on_every_page_and_to_monitoring(
    pages: Flask, runtime: Runtime, redis_url: str, log_in: LogIn
) -> None:
    pages.extensions["mailrun"] = with_redis(runtime, redis_url)
    Redis.from_url(redis_url).execute_command("CONFIG", "SET", "maxmemory", "1")  # type: ignore[no-untyped-call]
    assert "Redis takes no jobs: it is full; give it more memory" in text_of(log_in().look("/"))
    ready = Browser(pages.test_client()).look("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["redis"].startswith("it is full")


@pytest.mark.parametrize("url", ["/", "/runs"])
def test_b4_a_login_that_is_refused_is_said_on_every_page(
    runtime: Runtime, world: World, log_in: LogIn, url: str
) -> None:
    with runtime.database.writing() as session:
        words = "it refuses the login: 535 5.7.8 authentication failed"
        backoff.note_trouble(session, runtime.settings, 1, words, TroubleKind.LOGIN, probing=False)
    said = text_of(log_in().look(url))
    assert f"Mails wait for a correction. 127.0.0.1: {words}. A person must correct the user name or" in said


def test_redis_is_asked_at_most_every_two_seconds(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, answers = with_redis(runtime, "redis://127.0.0.1:1/0"), [""]
    monkeypatch.setattr(JobQueue, "trouble", lambda self: answers.pop())
    with runtime.database.reading() as session:
        asked = CachedStatus(lambda: load_status(session, parts))
        for _ in range(20):
            assert banners(parts, asked.answer) == []
    assert answers == []


def test_not_ready_with_another_schema(pages: Flask, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    ready = Browser(pages.test_client()).look("/readyz")
    assert ready.status_code == 503
    assert "run mailrun init" in ready.get_json()["schema"]


def test_not_ready_without_a_database(pages: Flask, runtime: Runtime) -> None:
    runtime.database.dispose()
    shutil.rmtree(runtime.settings.home)
    ready = Browser(pages.test_client()).look("/readyz")
    assert (ready.status_code, ready.get_json()["database"]) == (503, "does not answer")
    assert Browser(pages.test_client()).look("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("url", "status"), [("/nothing/here", 404), ("/runs/999", 404), ("/runs?state=x", 404)]
)
def test_an_error_page_says_what_to_do_in_a_page_and_in_a_piece(log_in: LogIn, url: str, status: int) -> None:
    browser = log_in()
    page, piece = browser.look(url), browser.look(url, htmx=True)
    assert page.status_code == piece.status_code == status
    assert "There is nothing here" in page.text
    assert "<html" in page.text
    assert "<html" not in piece.text


def test_static_files_are_kept_by_browsers_and_change_their_address(log_in: LogIn) -> None:
    browser = log_in()
    page = browser.look("/runs").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert re.fullmatch(r"/static/[0-9a-f]{12}/app.css", address)
    assert "immutable" in browser.client.get(address).headers["Cache-Control"]
    assert "immutable" not in browser.client.get("/static/app.css").headers["Cache-Control"]
    assert browser.client.get(address).headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("url", ["/runs/999999", "/nothing-here", "/takeover", "/runs?state=nonsense"])
def test_e13_error_pages_have_the_navigation_for_who_is_logged_in(log_in: LogIn, url: str) -> None:
    answer = log_in("manager").look(url)
    assert answer.status_code in (403, 404)
    assert 'aria-label="Main"' in answer.text
    assert 'href="/definitions"' in answer.text


def test_e13_without_a_login_an_error_page_has_none(pages: Flask) -> None:
    answer = Browser(pages.test_client()).look("/nothing-here")
    assert answer.status_code == 404
    assert 'aria-label="Main"' not in answer.text
