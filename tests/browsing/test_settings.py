"""Settings in a browser: a mail server is set up, checked, and corrected; without JavaScript too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browsing.conftest import NewContext
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.mailserver import MailServer
from tests.world import World
from webapp.store.mailservers import MailServer as Stored


def mark(world: World) -> str:
    return world.everybody.tag_name.rpartition(" ")[2]


def set_up(page: Page, name: str, port: int, security: str) -> None:
    page.goto("/servers")
    page.get_by_role("link", name="New mail server").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(port))
    page.get_by_label("Security").select_option(label=security)
    page.get_by_role("button", name="Add mail server").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_a_server_is_set_up_checked_and_corrected(
    marit: NewContext, world: World, server: MailServer, watch: Watch, script: bool
) -> None:
    page = marit(java_script_enabled=script).new_page()
    set_up(page, f"Relay {mark(world)}", server.port, "TLS from the first byte")
    check = page.get_by_role("region", name="Check connection")
    check.get_by_role("button", name="Check connection").click()
    expect(page.get_by_role("alert")).to_contain_text("does not speak TLS from the first byte.")
    page.get_by_label("Security").select_option(label="None")  # checked as it is typed, before it is saved
    check.get_by_role("button", name="Check connection").click()
    expect(check.get_by_role("status")).to_contain_text("The connection works.")
    expect(page.get_by_label("Security")).to_have_value("none")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    check.get_by_label("Recipient").fill("a@customers.test")
    if script:
        check.get_by_label("Recipient").press("Enter")  # checks, and does not save
    else:
        check.get_by_role("button", name="Check connection").click()
    expect(check.get_by_role("status")).to_contain_text("The connection works.")
    talk = check.get_by_label("SMTP conversation")
    expect(talk).to_contain_text("RCPT TO:<a@customers.test>")
    lines = talk.inner_text().splitlines()
    assert re.fullmatch(r" *0\.\d\d s  connected to 127\.0\.0\.1, port \d+", lines[0])
    assert [line[9:].partition(" ")[0].partition("-")[0] for line in lines[1:4]] == ["220", "EHLO", "250"]
    check.get_by_role("button", name="Send a test mail").click()
    expect(check.get_by_role("status")).to_contain_text("The server took the test mail.")
    assert [taken.recipients for taken in server.taken] == [("a@customers.test",)]
    page.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.get_by_text(f"The mail server “Relay {mark(world)}” is deleted.")).to_be_visible()
    with world.runtime.database.reading() as session:
        assert session.scalar(select(Stored.id).where(Stored.name == f"Relay {mark(world)}")) is None


FIELDS_OF_ALL = {"name", "kind", "every_minutes"}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("imap", {"host", "port", "security", "username", "password", "oauth_account_id", "folder",
                  "done_folder", "authorities"}),
        ("pop3", {"host", "port", "security", "username", "password", "authorities"}),
        ("maildir", {"folder", "done_folder"}),
        ("port", {"host", "port"}),
    ],
)  # fmt: skip
def test_a_mailbox_has_the_fields_of_its_kind(page: Page, kind: str, fields: set[str]) -> None:
    page.goto("/mailboxes/new")
    page.get_by_label("Kind").select_option(kind)
    controls = page.locator("#setting :is(input, select, textarea):not([type=hidden])")
    names = controls.evaluate_all("all => all.filter(one => one.checkVisibility()).map(one => one.name)")
    assert set(names) == FIELDS_OF_ALL | fields
    accessible(page, f"a mailbox of the kind {kind}")


def test_the_pages_of_settings_are_accessible(page: Page, world: World, watch: Watch) -> None:
    watch.expect("status of 422")
    world.add()
    page.goto("/settings")
    accessible(page, "settings")
    page.goto("/servers")
    accessible(page, "mail servers")
    page.get_by_role("table").get_by_role("link").first.click()
    accessible(page, "a mail server")
    page.goto("/senders")
    page.get_by_role("table").get_by_role("link").first.click()
    accessible(page, "a sender")
    for url in ("/recipient-keys", "/transformations"):
        page.goto(f"{url}/new")
        page.get_by_role("button", name=re.compile("^Add")).click()
        expect(page.get_by_text("is empty").first).to_be_visible()
    accessible(page, "a form that is wrong")
