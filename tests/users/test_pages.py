"""Logging in and out: the same words for everybody, few tries, a session that can be ended."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.http_client import PASSWORD, Browser, LogIn, text_of
from webapp.extensions import Runtime
from webapp.store.types import now
from webapp.store.users import AuditEntry, User
from webapp.users.accounts import create_user


def known(runtime: Runtime, email: str = "marit@example.com") -> str:
    with runtime.database.writing() as session:
        create_user(session, email, PASSWORD, "manager")
    return email


@pytest.mark.security("C13")
def test_the_right_password_opens_and_is_kept_hashed(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    browser = Browser(pages.test_client())
    answer = browser.log_in(email.upper())
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.look("/runs").status_code == 200
    with runtime.database.reading() as session:
        assert session.scalars(select(User.password_hash)).one().startswith("$argon2id$")
        assert session.scalars(select(AuditEntry.action)).all() == ["login"]


@pytest.mark.security("C13")
def test_an_unknown_email_and_a_wrong_password_are_told_alike(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    wrong = Browser(pages.test_client()).log_in(email, "not the password")
    unknown = Browser(pages.test_client()).log_in("stranger@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert text_of(wrong) == text_of(unknown)
    assert "do not match. 4 tries left." in text_of(wrong)


@pytest.mark.security("C13")
def test_after_five_tries_even_the_right_password_waits(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    browser = Browser(pages.test_client())
    for _ in range(5):
        browser.log_in(email, "not the password")
    answer = browser.log_in(email)
    assert answer.status_code == 429
    assert "Too many tries. Try again at" in text_of(answer)


def test_f7_a_device_that_logged_in_before_is_not_locked_out(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    owner, guesser = Browser(pages.test_client()), Browser(pages.test_client())
    owner.log_in(email)
    for _ in range(6):
        refused = guesser.log_in(email, "not the password")
    assert refused.status_code == 429
    owner.client.delete_cookie("mailrun")
    assert owner.log_in(email).status_code == 303
    with runtime.database.reading() as session:
        assert "login refused" in session.scalars(select(AuditEntry.action)).all()


@pytest.mark.security("C13")
def test_f7_a_forged_device_is_none(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    guesser = Browser(pages.test_client())
    guesser.client.set_cookie("mailrun_device", f'["{email}","x"]', path="/login")
    for _ in range(6):
        refused = guesser.log_in(email, "not the password")
    assert refused.status_code == 429


@pytest.mark.security("C12")
def test_next_never_leaves_the_host(pages: Flask, runtime: Runtime) -> None:
    email = known(runtime)
    for wanted in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\t//evil.example",
        "javascript:x",
    ):
        answer = Browser(pages.test_client()).log_in(email, next=wanted)
        assert answer.location == "/", wanted
    assert Browser(pages.test_client()).log_in(email, next="/runs/new").location == "/runs/new"


def test_a_page_asks_for_a_login_and_leads_back(pages: Flask) -> None:
    browser = Browser(pages.test_client())
    assert browser.look("/runs/7").location == "/login?next=/runs/7"
    piece = browser.look("/runs/7/live", htmx=True)
    assert piece.status_code == 401
    assert (piece.headers["X-Mailrun-Login"], piece.headers["HX-Reswap"], piece.text) == ("ended", "none", "")


@pytest.mark.security("C14")
def test_logout_ends_this_session_also_for_a_kept_cookie(pages: Flask, log_in: LogIn) -> None:
    browser = log_in("manager")
    cookie = browser.client.get_cookie("mailrun")
    assert cookie is not None
    browser.look("/account")
    assert browser.press("/logout").location == "/login"
    thief = pages.test_client()
    thief.set_cookie("mailrun", cookie.value)
    assert thief.get("/runs").status_code == 303


@pytest.mark.security("C14")
def test_a_disabled_user_is_out_at_once(runtime: Runtime, log_in: LogIn) -> None:
    browser = log_in("manager")
    with runtime.database.writing() as session:
        session.execute(update(User).values(disabled_at=now()))
    assert browser.look("/runs").status_code == 303


@pytest.mark.security("C14")
def test_a_changed_session_key_ends_all_sessions(runtime: Runtime, log_in: LogIn) -> None:
    browser = log_in("manager")
    with runtime.database.writing() as session:
        session.execute(update(User).values(session_key="another"))
    assert browser.look("/runs").status_code == 303


@pytest.mark.security("C14")
def test_the_cookie_is_kept_from_scripts_and_other_sites(pages: Flask, runtime: Runtime) -> None:
    answer = Browser(pages.test_client()).log_in(known(runtime))
    [cookie] = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("mailrun=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
