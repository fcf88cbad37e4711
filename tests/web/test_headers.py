"""What every answer carries, what an error says, and what foreign data may not do on a page."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.runs import queries
from webapp.store.database import Database
from webapp.store.db import db
from webapp.store.runs import Result
from webapp.store.users import User


@pytest.mark.security("C11")
def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(pages: Flask, log_in: LogIn) -> None:
    for answer in (Browser(pages.test_client()).look("/login"), log_in().look("/runs")):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
        assert "http://" not in answer.text.replace("http://www.w3.org", "")


@pytest.mark.security("C30")
@pytest.mark.parametrize("name", ["htmx-4.0.1.min.js", "codemirror-6.43.min.js"])
def test_a_vendored_script_is_the_one_that_was_looked_at(name: str) -> None:
    script = Path(__file__).parents[2] / "static" / name
    assert hashlib.sha256(script.read_bytes()).hexdigest() == VENDORED[name]


VENDORED = {
    "htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "codemirror-6.43.min.js": "09d018f903eaacf913e6504385d4c809ba9f2b6147f9d4a0080128c28f3329ed",
}


def test_health_needs_no_login_and_readiness_looks_at_the_parts(pages: Flask) -> None:
    browser = Browser(pages.test_client())
    assert browser.look("/healthz").status_code == 200
    ready = browser.look("/readyz")
    assert ready.status_code in (200, 503)
    assert "schema" in ready.text


@pytest.mark.security("C26")
def test_an_error_is_told_with_an_id_and_without_a_stack(
    pages: Flask, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    browser = log_in()
    monkeypatch.setattr(queries, "runs", broken)
    answer = browser.look("/runs")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
    assert "id" in text_of(answer)


def test_a_database_that_does_not_answer_is_told_in_words(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("database is locked"))

    browser = log_in()
    monkeypatch.setattr(queries, "runs", away)
    answer = browser.look("/runs")
    assert answer.status_code == 503
    assert "Nothing is lost" in text_of(answer)


def test_a_database_that_is_away_altogether_is_told_in_words(log_in: LogIn, database: Database) -> None:
    """Then the session in the cookie cannot be checked, nor is there anything for the frame to show."""

    def away(*_: object) -> None:
        raise OperationalError("connect", {}, Exception("connection refused"))

    browser = log_in()
    database.dispose()
    event.listen(database.engine, "do_connect", away)
    try:
        answer = browser.look("/runs")
    finally:
        event.remove(database.engine, "do_connect", away)
    assert answer.status_code == 503
    assert "Nothing is lost" in text_of(answer)


def test_a_page_that_changes_what_it_only_reads_fails_and_says_so(pages: Flask, log_in: LogIn) -> None:
    """The page for the error reads too: what the frame shows."""

    @pages.get("/changes")
    def changes() -> str:
        db.session.scalars(select(User)).first().name = "Renamed by reading"  # type: ignore[union-attr]
        return str(db.session.scalars(select(User.name)).all())

    browser = log_in()
    answer = browser.look("/changes")
    assert answer.status_code == 500
    assert "It was written to the log" in text_of(answer)
    assert "Renamed by reading" not in browser.look("/account").text


@pytest.mark.security("C20")
def test_a_request_that_is_too_large_is_refused_before_its_login_is_checked(pages: Flask) -> None:
    answer = pages.test_client().post("/login", data={"email": "x" * 5_000_000})
    assert answer.status_code == 413
    assert "too large" in answer.text


@pytest.mark.security("C10")
def test_what_customers_and_servers_say_is_shown_as_text(log_in: LogIn, world: World) -> None:
    evil = '<script>alert(1)</script>"><img src=x>'
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, name=evil)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    run_id = world.run()
    with world.runtime.database.writing() as session:
        [result] = session.query(Result).all()
        result.smtp_reply, result.detail, result.warning = evil, evil, evil
    browser = log_in()
    for url in (f"/runs/{run_id}", f"/results/{result.id}", f"/runs/{run_id}?q=" + "%3Cscript%3E"):
        answer = browser.look(url)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.security("C23")
@pytest.mark.parametrize("given", ["%", "_", "'", '"', "\\", "\x00", "😀", "' OR 1=1 --", "x" * 3000])
def test_odd_characters_in_a_search_find_nothing_and_break_nothing(
    log_in: LogIn, world: World, given: str
) -> None:
    world.add()
    run_id = world.run()
    browser = log_in()
    for url in (f"/runs/{run_id}", "/runs"):
        answer = browser.client.get(url, query_string={"q": given, "status": "", "sort": "; DROP TABLE"})
        assert answer.status_code == (400 if given == "\x00" else 200)
    for name in ("status", "reason"):
        assert browser.client.get(f"/runs/{run_id}", query_string={name: given}).status_code in (
            200,
            400,
            404,
        )


def test_safe_mode_is_said_on_every_page(environ: dict[str, str], log_in: LogIn, pages: Flask) -> None:
    from dataclasses import replace

    from webapp.extensions import Runtime

    browser = log_in()
    parts: Runtime = pages.extensions["mailrun"]
    redirected = replace(parts.settings, redirect_to="rehearsal@example.com")
    pages.extensions["mailrun"] = replace(parts, settings=redirected)
    for url in ("/runs", "/runs/new", "/account"):
        assert "rehearsal@example.com" in text_of(browser.look(url))
