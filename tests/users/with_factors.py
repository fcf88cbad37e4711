"""A person at the pages who has a second factor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factors.codes import code
from tests.http_client import PASSWORD, Browser
from webapp.extensions import Runtime
from webapp.store.users import AuditEntry

SECRET = re.compile(r'id="app-secret" value="([A-Z2-7 ]+)"')
CODE = re.compile(r"<li>((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</li>")
FACTORS = "/account/factors"


@dataclass
class SetUp:
    """The secret of the app, and the recovery codes."""

    secret: str
    codes: list[str]


def begin_app(browser: Browser) -> str:
    """Has a secret made; returns it."""
    browser.look(FACTORS)
    assert browser.press(f"{FACTORS}/app").location == f"{FACTORS}#app"
    found = SECRET.search(browser.look(FACTORS).text)
    assert found
    return found[1].replace(" ", "")


def set_up_app(browser: Browser) -> SetUp:
    """Sets up an app. The code of the step before is used up by that."""
    secret = begin_app(browser)
    answer = browser.press(f"{FACTORS}/app/confirm", code=code(secret, -1), password_now=PASSWORD)
    assert answer.status_code == 200, answer.text
    return SetUp(secret, CODE.findall(answer.text))


def give_password(browser: Browser, email: str, **fields: str) -> TestResponse:
    """The first step of a login."""
    answer = browser.log_in(email, **fields)
    assert (answer.status_code, answer.location or "")[0] == 303, answer.text
    browser.look(answer.location or "")
    return answer


def is_in(browser: Browser) -> bool:
    return browser.look("/account").status_code == 200


def done(runtime: Runtime, *actions: str) -> list[tuple[str, str, str, str]]:
    """What the audit trail has of these actions: actor, action, subject, detail."""
    entry = AuditEntry
    with runtime.database.reading() as session:
        rows = session.execute(
            select(entry.actor, entry.action, entry.subject, entry.detail)
            .where(entry.action.in_(actions))
            .order_by(entry.id)
        )
        return [(each[0], each[1], each[2], each[3]) for each in rows]
