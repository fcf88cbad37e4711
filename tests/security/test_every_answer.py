"""What every answer carries, and what no answer has in it: over every route."""

from __future__ import annotations

import io
import logging
import re
from itertools import count

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.http_client import Browser, readable
from tests.security.conftest import Whole
from webapp.access import OPERATOR
from webapp.customers import editing
from webapp.edits import fingerprint
from webapp.sealed import keys_of
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import MessageDefinition, MessageTemplate
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.runs import Result, Run
from webapp.store.users import User, UserSession

EVIL = "<img src=x onerror=alert(1)>'\"{{7*7}}"
PIN, PASSWORD = "Geheim-eins-4711", "Zahlstraße-geheim-1"


def answers(whole: Whole, browser: Browser) -> list[TestResponse]:
    """GET of every route, as a page and as a piece of one; and one of each kind of error."""
    urls = [*whole.addresses("GET"), "/nowhere", "/runs/999", "/runs?sort=%00", "/runs/1/archive"]
    given = [browser.look(url, htmx=htmx) for url in urls for htmx in (False, True)]
    assert [answer.request.path for answer in given if answer.status_code in (500, 501, 502)] == []
    return given


def policy_of(answer: TestResponse) -> dict[str, str]:
    """The parts of the policy, by name."""
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.security("C11")
def test_every_answer_has_its_headers(whole: Whole) -> None:
    for browser in (Browser(whole.pages.test_client()), whole.admin):
        for answer in answers(whole, browser):
            where, policy = answer.request.path, policy_of(answer)
            assert policy["default-src"] in ("'self'", "'none'"), where
            assert policy["frame-ancestors"] in ("'self'", "'none'"), where
            assert "unsafe" not in policy.get("script-src", "") + policy["default-src"], where
            if "unsafe" in str(policy):  # styles of a mail, which may run and load nothing
                assert policy["default-src"] == "'none'", where
            if policy["frame-ancestors"] == "'self'":
                assert "sandbox" in policy, where
            assert answer.headers["X-Content-Type-Options"] == "nosniff", where
            assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), where
            if not where.startswith("/static/"):
                assert "no-store" in answer.headers["Cache-Control"], where
            answer.close()


@pytest.mark.security("C10")
def test_what_others_wrote_is_text_on_every_page(whole: Whole) -> None:
    numbers = count()
    with whole.world.runtime.database.writing() as session:
        for table, columns in {
            Customer: ("name",),
            Cluster: ("tag_name",),
            Invoice: ("number",),
            TransformationResult: ("file_name",),
            MessageDefinition: ("name", "subject"),
            MessageTemplate: ("name",),
            MailServer: ("name", "trouble"),
            Run: ("name", "created_by"),
            Result: ("smtp_reply", "detail", "warning"),
            User: ("name",),
        }.items():
            for row in session.scalars(select(table)):
                for column in columns:
                    assert hasattr(row, column)
                    setattr(row, column, f"{EVIL}{next(numbers)}")
    seen = 0
    for answer in answers(whole, whole.admin):
        if answer.mimetype == "text/html" and "sandbox" not in policy_of(answer):
            assert "<img src=x" not in answer.text, answer.request.path
            assert "onerror=alert(1)>" not in re.sub(r'"[^"]*"', "", answer.text), answer.request.path
            seen += "&lt;img src=x" in answer.text
        answer.close()
    assert seen > 20


@pytest.mark.security("C18")
def test_secrets_are_in_no_answer_and_no_log(whole: Whole, caplog: pytest.LogCaptureFixture) -> None:
    runtime, log = whole.world.runtime, io.StringIO()
    listener = logging.StreamHandler(log)
    logging.getLogger().addHandler(listener)
    caplog.set_level(logging.DEBUG)
    with runtime.database.writing() as session:
        session.get_one(MessageDefinition, whole.world.definition.id).password_key = "pin"
        customer = session.scalars(select(Customer)).one()
        seen = fingerprint(editing.field_values(session, customer, "pin", is_secret=True))
        assert editing.set_field(session, OPERATOR, customer.id, "pin", PIN, seen)
        server = session.scalars(select(MailServer)).first()
        assert server is not None
        server.password = keys_of(session).seal(server.name, "password", PASSWORD)
    with runtime.database.reading() as session:
        hashes = [*session.scalars(select(User.password_hash)), *session.scalars(select(User.session_key))]
        kept = [*session.scalars(select(UserSession.key_hash)), runtime.settings.secret_key]
    secrets = [PIN, PASSWORD, *(str(secret) for secret in (*hashes, *kept) if secret)]
    try:
        for answer in answers(whole, whole.admin):
            said = readable(answer) if answer.mimetype != "application/zip" else ""
            assert not [secret for secret in secrets if secret in said], answer.request.path
            answer.close()
    finally:
        logging.getLogger().removeHandler(listener)
    assert not [secret for secret in secrets if secret in log.getvalue()]
