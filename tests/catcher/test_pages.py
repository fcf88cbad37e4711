"""/dev/mailbox: what was caught, shown to people who may see it, and never as more than it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from webapp import create_app
from webapp.catcher.box import Box, Caught
from webapp.config import Settings
from webapp.mailing import parsed_mail
from webapp.store.database import Database
from webapp.users import accounts

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def box(settings: Settings) -> Box:
    box = Box(settings.home / "caught")
    box.folder.mkdir()
    return box


@pytest.fixture
def catcher(box: Box) -> Iterator[None]:
    """As if the catcher ran."""
    with box.being_filled():
        yield


@pytest.fixture
def app(settings: Settings, box: Box) -> Flask:
    return create_app(settings)


@pytest.fixture(autouse=True)
def people(database: Database) -> None:
    """One who sees all customers, and one who sees those of a cluster."""
    with database.writing() as session:
        factories.cluster(session, "A")
        accounts.create_user(session, "all@x.example", "a long password", "viewer")
        accounts.create_user(session, "bound@x.example", "a long password", "admin", clusters=["A"])


@pytest.fixture
def client(app: Flask, catcher: None) -> FlaskClient:
    return logged_in(app, "all@x.example")


def logged_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    form = client.get("/login").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token
    fields = {"csrf_token": token.group(1), "email": email, "password": "a long password"}
    assert client.post("/login", data=fields).status_code in (302, 303)
    return client


def put(
    box: Box, subject: str = "Rechnung 7", html: str = "<p>Grüße</p>", name: str = "Gespräche.csv"
) -> str:
    message = EmailMessage()
    message["From"] = "Noordlicht <invoicing@noordlicht.example>"
    message["To"] = "rechnung@baeckerei.example"
    message["Subject"] = subject
    message.set_content("Guten Tag")
    message.add_alternative(html, subtype="html")
    message.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename=name)
    content = message.as_bytes()
    id = box.next_id()
    said, named = parsed_mail.subject_and_named(content)
    to = ("rechnung@baeckerei.example", "archive@noordlicht.example")
    bcc = tuple(address for address in to if address not in named)
    box.put(Caught(id, datetime.now(UTC), "bounces@noordlicht.example", to, bcc, said, len(content)), content)
    return id


def routes(id: str) -> list[str]:
    return ["", f"/{id}", f"/{id}/html", f"/{id}/raw", f"/{id}/attachments/1"]


@pytest.mark.security("C1")
def test_the_mailbox_needs_a_login(app: Flask, box: Box) -> None:
    for route in routes(put(box)):
        answer = app.test_client().get(f"/dev/mailbox{route}")
        assert answer.status_code == 303, route
        assert answer.headers["Location"].startswith("/login")


@pytest.mark.security("C1")
@pytest.mark.usefixtures("catcher")
def test_a_viewer_of_some_clusters_sees_no_mail(app: Flask, box: Box) -> None:
    bound = logged_in(app, "bound@x.example")
    for route in routes(put(box)):
        assert bound.get(f"/dev/mailbox{route}").status_code == 403, route


def test_without_a_box_there_are_no_such_pages(settings: Settings, box: Box) -> None:
    shutil.rmtree(box.folder)
    assert "catcher" not in create_app(settings).blueprints


def test_the_list_shows_who_was_bcc(client: FlaskClient, box: Box) -> None:
    id = put(box)
    page = client.get("/dev/mailbox").text
    row = page[page.index("Rechnung 7") :]
    assert f'href="/dev/mailbox/{id}"' in page
    assert row.index("baeckerei.example") < row.index("archive<wbr>@noordlicht.example")


def test_the_list_goes_on_by_fifty(client: FlaskClient, box: Box) -> None:
    for number in range(53):
        put(box, f"mail-{number:02}")
    first = client.get("/dev/mailbox").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = client.get(older.group(1).replace("&amp;", "&")).text
    assert re.findall(r"mail-\d\d", first) == [f"mail-{n:02}" for n in range(52, 2, -1)]
    assert re.findall(r"mail-\d\d", second) == ["mail-02", "mail-01", "mail-00"]


def test_the_search_finds_and_says_when_it_does_not(client: FlaskClient, box: Box) -> None:
    put(box, "Factuur 1")
    put(box, "Rechnung 2")
    found = client.get("/dev/mailbox?q=factuur").text
    assert "Factuur 1" in found
    assert "Rechnung 2" not in found
    assert (
        f"No mail matches “{EVIL}”".replace("<", "&lt;").replace(">", "&gt;")
        in client.get("/dev/mailbox", query_string={"q": EVIL}).text
    )


def test_an_empty_box_says_what_to_do(client: FlaskClient) -> None:
    assert "No mails yet" in client.get("/dev/mailbox").text


def test_a_mail_with_everything_in_it(client: FlaskClient, box: Box) -> None:
    id = put(box)
    page = client.get(f"/dev/mailbox/{id}").text
    for piece in ("Guten Tag", "Gespräche.csv", "bounces<wbr>@noordlicht.example", "MIME-Version", "Subject"):
        assert piece in page
    assert f'<iframe class="mail" sandbox src="/dev/mailbox/{id}/html"' in page


@pytest.mark.security("C9")
def test_the_html_is_shown_without_any_rights(client: FlaskClient, box: Box) -> None:
    id = put(box, html=f"<p>x</p>{EVIL}<img src=http://x.example/1.png>")
    answer = client.get(f"/dev/mailbox/{id}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "allow-scripts" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert EVIL in answer.text  # as it came: the policy takes its teeth, not we
    assert EVIL not in client.get(f"/dev/mailbox/{id}").text


@pytest.mark.security("C10")
def test_what_a_mail_says_is_escaped(client: FlaskClient, box: Box) -> None:
    id = put(box, subject=EVIL, name=f"{EVIL}.csv")
    for page in ("/dev/mailbox", f"/dev/mailbox/{id}"):
        assert EVIL not in client.get(page).text


@pytest.mark.security("C21")
def test_an_attachment_is_only_ever_saved(client: FlaskClient, box: Box) -> None:
    id = put(box, name="../../Gespräche.csv")
    answer = client.get(f"/dev/mailbox/{id}/attachments/1")
    assert answer.data == b"a,b\n"
    assert answer.mimetype == "text/csv"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "Gespr%C3%A4che.csv" in disposition
    assert ".." not in disposition


def test_the_raw_mail_is_the_mail(client: FlaskClient, box: Box) -> None:
    id = put(box)
    answer = client.get(f"/dev/mailbox/{id}/raw")
    assert answer.data == box.content(id)
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "route",
    ["/20260101T000000000000-abcdef", "/..%2f..%2fsecret_key", "/x", "/%2e%2e/raw", "/x/attachments/1"],
)
def test_what_is_not_there_is_not_found(client: FlaskClient, box: Box, route: str) -> None:
    assert client.get(f"/dev/mailbox{route}").status_code == 404


@pytest.mark.parametrize("number", [0, 2, 10**9])
def test_there_is_no_such_attachment(client: FlaskClient, box: Box, number: int) -> None:
    assert client.get(f"/dev/mailbox/{put(box)}/attachments/{number}").status_code == 404


def test_f14_without_a_catcher_there_is_no_mailbox(app: Flask, box: Box) -> None:
    """Also where mails were caught earlier: the pages close with the catcher, and open with the next one."""
    id = put(box)
    client = logged_in(app, "all@x.example")
    pages = ("/dev/mailbox", *(f"/dev/mailbox/{id}{rest}" for rest in ("", "/html", "/raw")))
    for is_on in (False, True, False):
        with box.being_filled() if is_on else nullcontext():
            assert {client.get(page).status_code for page in pages} == {200 if is_on else 404}
            assert ("/dev/mailbox" in client.get("/account").text) == is_on
