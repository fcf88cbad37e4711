"""The whole job of an account manager who has read only the README: make a run, find out who gets nothing and
why, read a mail, start it, and say of every customer what became of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.reader import Data, said
from tests.browsing.seen import bulk, counted, press, row, state, tick
from tests.mailserver import MailServer
from tests.world import World


def test_a_newcomer_sends_a_month_of_invoices(
    new_context: NewContext, installed: Installation, world: World, server: MailServer
) -> None:
    numbers = [world.add(f"billing.{n}@customers.test")[1].number for n in range(8)]
    skipped = [
        made[1].number for made in (world.add(""), world.add(status="open"), world.add(documents=False))
    ]
    page = new_context().new_page()
    log_in(page, installed.person("manager"), at="/")
    run_id = made_by_dialog(page, world)

    expect(page.get_by_role("heading", name="October, first try", level=1)).to_be_visible()
    counted(page, All=11, Ready=8, Skipped=3)
    for n, why in ((1, "no recipient"), (1, "not approved"), (1, "no attachment")):
        expect(page.get_by_role("link", name=f"{n} {why}")).to_be_visible()
    assert not server.taken
    press(page, "Start")
    state(page, "Finished")
    counted(page, Sent=8, Ready=0)
    assert sorted(taken.recipients[0] for taken in server.taken) == [
        f"billing.{n}@customers.test" for n in range(8)
    ]

    send_one_again(page, numbers[0])
    assert [len(server.mails_to(f"billing.{n}@customers.test")) for n in range(3)] == [2, 1, 1]
    remove_three_and_put_one_back(page, skipped)
    assert world.statuses(run_id).count("removed") == 2
    assert world.statuses(run_id).count("sent") == 8
    assert len(server.taken) == 9


def made_by_dialog(page: Page, world: World) -> int:
    """Fills in the dialog over the list, reads the numbers, presses Create."""
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="New run").click()
    dialog = page.get_by_role("dialog", name="New run")
    expect(page).to_have_title("New run · Mailrun")
    dialog.get_by_label("Message definition").select_option(world.definition.name)
    dialog.get_by_label("Name of this run").fill("October, first try")
    dialog.get_by_label("Customer cluster").fill(world.everybody.tag_name)
    dialog.get_by_label("Period from").fill("2026-10-01")
    dialog.get_by_label("Period to").fill("2026-10-31")
    numbers = dialog.get_by_role("status").filter(has_text="match")
    said_of_all = f"11 {said('invoices match')}{said(', 8 will be sent, 3 will be skipped')}"
    expect(numbers).to_have_text(re.compile(said_of_all.replace(" ", r"\s+")))
    expect(dialog.get_by_text("sends 8 mails, the first within seconds")).to_be_visible()
    press(page, "Create", dialog)
    page.wait_for_url(re.compile(r"/runs/\d+$"))
    return int(page.url.rpartition("/")[2])


def send_one_again(page: Page, number: str) -> None:
    press(page, "Send again", row(page, number))
    question = page.get_by_role("dialog", name="Send this mail again?")
    question.get_by_role("checkbox", name="the customer may receive it twice").check()
    press(page, "Send again", question)
    expect(row(page, number).get_by_role("cell", name="2", exact=True)).to_be_visible()
    state(page, "Finished")


def remove_three_and_put_one_back(page: Page, numbers: list[str]) -> None:
    tick(page, *numbers)
    press(page, "Remove 3", bulk(page))
    undo = page.get_by_role("button", name="Undo")
    expect(page.get_by_text("3 results removed.")).to_be_visible()
    counted(page, Skipped=0, Removed=3)
    undo.click()
    put_back(page, "Put 3 results back and send them?")
    expect(page.get_by_text("3 results put back.")).to_be_visible()
    counted(page, Skipped=3, Removed=0)
    tick(page, *numbers)
    press(page, "Remove 3", bulk(page))
    counted(page, Skipped=0, Removed=3)
    page.get_by_role("link", name=re.compile(rf"^{said('Removed')}\s*3$")).click()
    press(page, "Put back", row(page, numbers[0]))
    put_back(page, "Put 1 result back and send it?")
    counted(page, Skipped=1, Removed=2)


def put_back(page: Page, question: str) -> None:
    """Confirm: the run is finished, so what can be sent goes out at once."""
    press(page, "Put back and send", page.get_by_role("dialog", name=question))


def test_one_of_the_mails_is_read_before_the_run_is_made(page: Page, world: World) -> None:
    _, invoice = world.add("billing.x@customers.test")
    page.goto("/runs/new")
    page.get_by_label("Message definition").select_option(world.definition.name)
    page.get_by_label("Customer cluster").fill(world.everybody.tag_name)
    page.get_by_label("Period from").fill("2026-10-01")
    page.get_by_label("Period to").fill("2026-10-31")
    page.get_by_role("link", name="Read one of these mails").click()
    mail = page.frame_locator(f"iframe[title='{said('The mail as the customer sees it')}']")
    expect(mail.get_by_text(Data(f"Invoice {invoice.number}"))).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("billing.x@customers.test")
    expect(page.get_by_role("main")).to_contain_text(f"{invoice.number}.pdf")
    page.get_by_role("link", name="Back to the new run").click()
    expect(page.get_by_label("Customer cluster")).to_have_value(world.everybody.tag_name)
    press(page, "Create and start")
    state(page, "Finished")


def test_each_number_of_the_preview_leads_to_its_list(page: Page, world: World) -> None:
    world.add()
    customer, invoice = world.add("")
    page.goto(
        f"/runs/new?definition={world.definition.id}&cluster={world.everybody.tag_name}"
        "&period_from=2026-10-01&period_to=2026-10-31"
    )
    page.get_by_role("link", name="See list of 1, no recipient").click()
    expect(page.get_by_role("row").filter(has_text=invoice.number)).to_contain_text(Data(customer.name))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert invoice.number in download.value.path().read_text()
    page.get_by_role("link", name="Back to the new run").first.click()
    expect(page.get_by_label("Customer cluster")).to_have_value(world.everybody.tag_name)
