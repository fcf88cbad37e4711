"""An installation whose people sign on at a provider of the tests."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.http_client import Browser
from tests.sign_on.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, lying_provider
from webapp.extensions import Runtime
from webapp.store.users import AuditEntry, User, UserSession

ROLES = (
    "admins = admin, send; north = manager, send, cluster left; south = manager, send, cluster right; "
    "lost = manager, cluster nowhere; all = viewer"
)


@pytest.fixture
def provider() -> Iterator[LyingProvider]:
    with lying_provider() as running:
        running.claims = {
            "email": "marit@example.com",
            "email_verified": True,
            "name": "Marit",
            "groups": ["all"],
        }
        yield running


@pytest.fixture
def chosen() -> dict[str, str]:
    """Settings that a test adds: overridden where one does."""
    return {}


@pytest.fixture
def environ(environ: dict[str, str], provider: LyingProvider, chosen: dict[str, str]) -> dict[str, str]:
    return {
        **environ,
        "MAILRUN_SIGN_ON_ISSUER": provider.issuer,
        "MAILRUN_SIGN_ON_CLIENT_ID": CLIENT_ID,
        "MAILRUN_SIGN_ON_CLIENT_SECRET": CLIENT_SECRET,
        "MAILRUN_SIGN_ON_NAME": "Keyhole",
        "MAILRUN_SIGN_ON_ROLES": ROLES,
        **chosen,
    }


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        """Follow nothing."""


@dataclass
class Visitor:
    """A person at a browser that also goes to the provider."""

    browser: Browser

    def begin(self, next: str = "") -> TestResponse:
        """Press the button of the login page."""
        return self.browser.look(f"/login/sign-on?next={next}" if next else "/login/sign-on")

    def at_provider(self, address: str) -> str:
        """Sign in there; the address that the browser is led back to."""
        opener = urllib.request.build_opener(_Stay)
        try:
            opener.open(address)
        except urllib.error.HTTPError as answer:
            return str(answer.headers["Location"])
        raise AssertionError(f"{address} leads nowhere")

    def come_back(self, address: str) -> TestResponse:
        """Follow the address that the provider led to."""
        parts = urlsplit(address)
        return self.browser.look(f"{parts.path}?{parts.query}")

    def sign_on(self, next: str = "") -> TestResponse:
        """The whole way; the answer to the last step that was reached."""
        begun = self.begin(next)
        if begun.status_code != 303:
            return begun
        return self.come_back(self.at_provider(begun.location))


@pytest.fixture
def visitor(pages: Flask) -> Visitor:
    return Visitor(Browser(pages.test_client()))


@pytest.fixture
def new_visitor(pages: Flask) -> Callable[[], Visitor]:
    return lambda: Visitor(Browser(pages.test_client()))


@dataclass(frozen=True)
class Stored:
    """What the database has of users, sessions and the audit trail."""

    runtime: Runtime

    def users(self) -> list[User]:
        with self.runtime.database.reading() as session:
            return list(session.scalars(select(User).order_by(User.id)))

    def sessions(self) -> int:
        with self.runtime.database.reading() as session:
            return len(session.scalars(select(UserSession)).all())

    def audit(self, action: str) -> list[AuditEntry]:
        with self.runtime.database.reading() as session:
            found = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
            return list(session.scalars(found))


@pytest.fixture
def stored(runtime: Runtime) -> Stored:
    return Stored(runtime)
