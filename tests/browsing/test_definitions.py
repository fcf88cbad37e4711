"""An account manager makes a template with a logo in two languages, sees its mail while typing, sends a test,
and mails with it."""

from __future__ import annotations

from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path

import pytest
import pyzipper
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.reader import Data, said
from tests.browsing.test_accessible import accessible
from tests.browsing.watching import Watch
from tests.launch.launched import until
from tests.mailserver import MailServer
from tests.world import World
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c636078f8000001810101"
    "a12f2ec10000000049454e44ae426082"
)

WRONG = "there is no customer.nmae. Did you mean customer.name?"
"""As a worker writes it into a result; pages say it in the language of the reader."""


@pytest.fixture
def manager(new_context: NewContext, installed: Installation) -> Page:
    page = new_context().new_page()
    log_in(page, installed.person("manager"), at="/")
    return page


def type_body(page: Page, text: str) -> None:
    # Not the field below, which the editor hides.
    page.locator(f".cm-content[aria-label={said('Body')}]").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def test_a_newcomer_writes_a_template(manager: Page, world: World, tmp_path: Path) -> None:
    page = manager
    world.add("ada@customers.test")
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Definitions").click()
    page.get_by_role("link", name="Templates").click()
    page.get_by_label("Name of the picture").fill("logo")
    page.get_by_label("PNG, JPEG or GIF file").set_input_files(logo)
    page.get_by_role("button", name="Save picture").click()
    expect(page.get_by_text('<img src="cid:logo" alt="">').first).to_be_visible()

    page.get_by_role("link", name="New template").click()
    page.get_by_label("Name", exact=True).fill("Thanks")
    type_body(page, '<img src="cid:logo" alt="">\n<p>Dear {{ customer.nmae }},</p>')
    expect(page.get_by_text(WRONG)).to_be_visible()
    expect(page.locator(".cm-lintRange-error")).to_have_count(1)
    type_body(page, '<img src="cid:logo" alt="">\n<p>Dear {{ customer.name }},</p>')
    expect(page.get_by_text("no errors.")).to_be_visible()
    expect(page.frame_locator("iframe.mail").get_by_text("Dear ")).to_be_visible()
    length = page.evaluate("history.length")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Thanks", level=1)).to_be_visible()
    assert page.evaluate("history.length") <= length + 1  # no entry of the preview's
    page.get_by_label("Another language").fill("de")
    page.get_by_role("button", name="Add language").click()
    type_body(page, "<p>Guten Tag, {{ customer.name }}</p>")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="de", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="New definition")).to_be_visible()


def test_text_is_typed_over_several_lines(manager: Page, world: World) -> None:
    """Chromium would join the lines with style attributes, which the policy refuses: the watch tells."""
    page = manager
    page.goto(f"/templates/{world.definition.template_id}")
    type_body(page, "<p>one</p>\n<p>{{ customer.name }}</p>\n<p>three</p>\n<p>four</p>")
    page.keyboard.press("Control+Home")
    for _line in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.type("Zwolle ")
    expect(page.locator("#source")).to_have_value("Zwolle <p>four</p>")
    page.keyboard.press("Control+a")
    page.keyboard.type("{")
    expect(page.locator("#source")).to_have_value("{Zwolle <p>four</p>}")


def test_a_newcomer_makes_a_definition_and_mails_with_it(
    manager: Page, world: World, server: MailServer
) -> None:
    page = manager
    customer, invoice = world.add("ada@customers.test")
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = {"door_code": "s3cret"}
    page.goto(f"/definitions/new?template={world.definition.template_id}")
    page.get_by_label("Name", exact=True).fill("Thank you")
    page.get_by_label("From key").select_option(str(world.definition.sender_id))
    page.get_by_label("Subject").fill("Thanks for {{ invoice.number }}")
    page.get_by_label(Data("Invoice PDF")).check()
    page.get_by_label("Zip").check()
    page.get_by_label("Password key").fill("door_code")
    page.get_by_label("Password key").press("Tab")
    expect(page.get_by_text("have one.")).to_contain_text("1 of ")
    page.get_by_label("File names").fill("{{ invoice.number }} for you")
    page.get_by_label("Invoice to show").select_option(label=Data(f"{invoice.number}, {customer.name}"))
    expect(page.get_by_text("no errors.")).to_be_visible()
    page.get_by_role("button", name="Send a test to me").click()
    expect(page.get_by_text("A test was sent to")).to_contain_text("“door_code”")
    [test] = server.taken
    assert len(test.recipients) == 1
    assert "customers.test" not in test.recipients[0]
    opens(test.data, "s3cret", f"{invoice.number} for you.pdf")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("can be used for runs")).to_be_visible()
    with world.runtime.database.reading() as session:
        made = session.scalars(select(MessageDefinition).where(MessageDefinition.name == "Thank you")).one()
    world.run(start=True, definition_id=made.id)
    until(lambda: len(server.taken) == 2, 30, "the mail is there")
    [sent] = server.mails_to("ada@customers.test")
    opens(sent.data, "s3cret", f"{invoice.number} for you.pdf")


def opens(data: bytes, password: str, name: str) -> None:
    """The mail's one attachment is an archive that opens with this password, and not without."""
    mail = message_from_bytes(data, policy=policy.default)
    [attached] = [part for part in mail.walk() if part.get_content_disposition() == "attachment"]
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    with pyzipper.AESZipFile(BytesIO(content)) as archive:
        assert archive.namelist() == [name]
        with pytest.raises(RuntimeError):
            archive.read(name)
        assert archive.read(name, pwd=password.encode()).startswith(b"%PDF")


def test_both_pages_are_accessible_and_a_version_tells_what_changed(manager: Page, world: World) -> None:
    page = manager
    world.add("ada@customers.test")
    pages = {
        "definitions": "/definitions",
        "templates": "/templates",
        "template": f"/templates/{world.definition.template_id}",
        "new definition": "/definitions/new",
        "definition": f"/definitions/{world.definition.id}",
    }
    for what, url in pages.items():
        page.goto(url)
        if what in ("template", "definition"):
            expect(page.get_by_text("no errors.")).to_be_visible()
        accessible(page, what)
    for subject in ("One {{ invoice.number }}", "Two {{ invoice.number }}"):
        page.get_by_label("Subject").fill(subject)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved. Existing runs keep their copy.")).to_be_visible()
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_text("One {{ invoice.number }}").first).to_be_visible()
    accessible(page, "versions")


def test_the_logo_is_in_the_mail_of_a_run(manager: Page, world: World, server: MailServer) -> None:
    page = manager
    world.add("ada@customers.test")
    page.goto("/templates")
    page.get_by_label("Name of the picture").fill("logo")
    page.get_by_label("PNG, JPEG or GIF file").set_input_files(
        {"name": "l.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_role("button", name="Save picture").click()
    expect(page.get_by_text("Saved. To show it in a template:")).to_be_visible()
    page.goto(f"/templates/{world.definition.template_id}")
    type_body(page, '<p><img src="cid:logo" alt="Example"> {{ customer.name }}</p>')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    world.run(start=True)
    until(lambda: len(server.taken) == 1, 30, "the mail is there")
    [taken] = server.taken
    mail = message_from_bytes(taken.data, policy=policy.default)
    assert [
        part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "image/png"
    ] == [PNG]


def test_text_is_kept_when_a_person_is_logged_out_elsewhere(
    manager: Page, world: World, watch: Watch
) -> None:
    watch.expect("401")
    page = manager
    world.add("ada@customers.test")
    page.goto(f"/templates/{world.definition.template_id}")
    expect(page.get_by_text("no errors.")).to_be_visible()
    page.context.clear_cookies()
    type_body(page, "<p>A long text, {{ customer.name }}</p>")
    expect(page.get_by_text("You are no longer logged in.")).to_be_visible()
    expect(page.locator(f".cm-content[aria-label={said('Body')}]")).to_contain_text("A long text")
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_role("dialog", name="Log in to go on")).to_be_visible()
