"""The login, the account and the users, as a person reads them who reads Dutch."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.store.users import AuditEntry, User

DUTCH = {"Accept-Language": "nl"}


def test_the_first_page_is_in_the_language_of_the_browser(pages: Flask, log_in: LogIn) -> None:
    log_in()
    stranger = Browser(pages.test_client())
    stranger.look("/login")
    form = {**stranger.keys, "email": "admin@example.com", "password": "wrong"}
    said = text_of(stranger.client.post("/login", data=form, headers=DUTCH))
    assert "Dit e-mailadres en wachtwoord horen niet bij elkaar. Nog 4 pogingen." in said
    assert "E-mailadres Wachtwoord Inloggen" in said


def test_users_in_dutch(log_in: LogIn, world: World) -> None:
    browser = log_in()
    log_in("viewer")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
        viewer = session.scalars(select(User.id).where(User.role == "viewer")).one()
    assert "U Naam" in text_of(browser.look("/account"))
    listed = text_of(browser.look("/users"))
    assert "Gebruikers" in listed
    assert "Lezer" in listed
    shown = text_of(browser.look(f"/users/{viewer}"))
    assert "Beëindigt meteen 1 sessie." in shown
    browser.press(f"/users/{viewer}/disable")
    assert "viewer kan niet meer inloggen; alle sessies zijn beëindigd." in text_of(browser.look("/users"))
    with world.runtime.database.reading() as session:
        assert "user disabled" in session.scalars(select(AuditEntry.action)).all()
