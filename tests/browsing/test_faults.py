"""A mail server that refuses one, greylists one and drops the line on one: what the page says, and what a
person can do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browsing.reader import Data
from tests.browsing.seen import bulk, counted, press, row, state, tick
from tests.mailserver import MailServer
from tests.world import World


def test_every_fault_has_its_status_and_its_words(page: Page, world: World) -> None:
    refused, later, never, cut, fine = (
        world.add(f"{order}.x@customers.test")[1].number
        for order in ("reject-550", "greylist-1", "greylist-9999", "cut-ack", "fine")
    )
    page.goto(f"/runs/{world.run()}")
    press(page, "Start")
    counted(page, Sent=2, Failed=1, Unconfirmed=1, Deferred=1)
    expect(row(page, fine)).to_contain_text("Sent")
    expect(row(page, later)).to_contain_text("Sent")
    expect(row(page, refused)).to_contain_text("Failed")
    expect(row(page, refused)).to_contain_text("550")
    expect(row(page, refused)).to_contain_text("mailbox unavailable")
    expect(row(page, cut)).to_contain_text("Unconfirmed")
    expect(row(page, cut)).to_contain_text("may have been sent")
    expect(row(page, never)).to_contain_text("Deferred")
    expect(row(page, never)).to_contain_text("retry at")
    expect(row(page, never)).to_contain_text("451 4.7.1")
    expect(page.get_by_text("1 mail may have been sent.")).to_be_visible()
    expect(page.get_by_text("1 mail failed.")).to_be_visible()
    press(page, "Remove", row(page, never))
    state(page, "Finished")


def test_what_may_have_arrived_is_marked_as_sent_by_a_person(
    page: Page, world: World, server: MailServer
) -> None:
    customer, _ = world.add("cut-ack.x@customers.test")
    page.goto(f"/runs/{world.run(start=True)}")
    counted(page, Unconfirmed=1)
    page.get_by_role("link", name=Data(customer.name)).click()
    press(page, "Mark as sent")
    expect(page.get_by_text("1 mail marked as sent.")).to_be_visible()
    page.keyboard.press("Escape")
    counted(page, Sent=1, Unconfirmed=0)
    assert len(server.taken) == 1


def test_send_again_asks_when_the_customer_may_have_the_mail(
    page: Page, world: World, server: MailServer
) -> None:
    _, cut = world.add("cut-ack.x@customers.test")
    _, fine = world.add("fine.x@customers.test")
    page.goto(f"/runs/{world.run(start=True)}")
    counted(page, Unconfirmed=1, Sent=1)
    tick(page, cut.number, fine.number)
    press(page, "Send again 2", bulk(page))
    question = page.get_by_role("dialog", name="Send 2 mails again?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Cancel", question)
    expect(question).to_be_hidden()
    press(page, "Send again 2", bulk(page))
    question.get_by_role("checkbox", name="the customer may receive it twice").check()
    press(page, "Send again", question)
    expect(question).to_be_hidden()
    counted(page, Unconfirmed=0, Sent=2)
    assert [len(server.mails_to(f"{kind}.x@customers.test")) for kind in ("cut-ack", "fine")] == [2, 2]


def test_a_refused_mail_is_sent_again_without_a_question(
    page: Page, world: World, server: MailServer
) -> None:
    _, refused = world.add("data-554-1.x@customers.test")
    page.goto(f"/runs/{world.run(start=True)}")
    counted(page, Failed=1)
    press(page, "Send again", row(page, refused.number))
    expect(page.get_by_text("1 mail will be sent again.")).to_be_visible()
    counted(page, Failed=0, Sent=1)
    assert len(server.taken) == 1
