"""The bell and its pages in a browser: keyboard, without script, wide and narrow, light and dark."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from webapp import telling
from webapp.store.notices import NoticeKind
from webapp.store.users import User


def told(installed: Installation, *names: str, role: str = "admin") -> str:
    """A person who is told of these mailboxes; the address to log in with."""
    email = installed.person(role)
    with installed.runtime.database.writing() as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        for name in names:
            about = {"what": "mailbox", "name": name, "words": "no route to host", "address": "/settings"}
            telling.tell(session, NoticeKind.CONNECTION, name, [user], about)
    return email


def accessible(page: Page, what: str) -> None:
    wrong = examine(page, what)
    assert not wrong, "\n".join(wrong)


def test_the_bell_by_keyboard(new_context: NewContext, installed: Installation) -> None:
    page = new_context().new_page()
    log_in(
        page, told(installed, "Bounces", "A mailbox with a name that is very much longer than the others" * 2)
    )
    bell = page.get_by_role("button", name="Notices, 2 unread")
    bell.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Notices")
    expect(panel).to_be_visible()
    expect(panel.get_by_role("link", name="Mailbox “Bounces” is in trouble")).to_be_visible()
    accessible(page, "the bell")
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page, "the bell on a phone")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(bell).to_be_focused()
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Mark all as read").press("Enter")
    expect(page.get_by_text("2 notices marked as read.")).to_be_visible()
    expect(page.get_by_role("button", name="Notices", exact=True)).to_be_visible()


def test_without_script_one_is_marked_as_read(new_context: NewContext, installed: Installation) -> None:
    page = new_context(java_script_enabled=False).new_page()
    log_in(page, told(installed, "Bounces", "Replies", role="viewer"))
    page.get_by_role("button", name="Notices, 2 unread").click()
    page.get_by_role("link", name="All notices").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
    page.get_by_role("button", name="Mark as read: Mailbox “Replies” is in trouble").click()
    expect(page.get_by_role("button", name="Notices, 1 unread")).to_be_visible()
    expect(page.get_by_text("1 notice marked as read.")).to_be_visible()


def test_the_pages_are_accessible(new_context: NewContext, installed: Installation) -> None:
    page = new_context().new_page()
    log_in(page, told(installed, "Bounces", "Replies"))
    for address, name in (
        ("/notices", "Notices"),
        ("/settings/notices", "Notices"),
        ("/account", "Your account"),
    ):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        accessible(page, address)


def test_what_is_chosen_is_kept(new_context: NewContext, installed: Installation) -> None:
    page = new_context().new_page()
    log_in(page, told(installed, "Bounces"))
    page.goto("/account")
    page.get_by_label("A run has finished", exact=True).select_option("By mail, once a day")
    page.locator("input[name=run_finished_of_all]").check()
    page.get_by_role("button", name="Change notices").click()
    expect(page.get_by_text("Saved.", exact=True).first).to_be_visible()
    page.reload()
    expect(page.get_by_label("A run has finished", exact=True)).to_have_value("digest")
    expect(page.locator("input[name=run_finished_of_all]")).to_be_checked()
