"""Documents that were mixed up are held, looked at, and let pass."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests import factories
from tests.browsing.reader import Data
from tests.browsing.seen import bulk, press, state
from tests.browsing.test_accessible import accessible
from tests.launch.launched import until
from tests.mailserver import MailServer
from tests.pdfs import pdf
from tests.world import World


def test_what_the_guard_holds_goes_out_once_a_person_has_looked(
    page: Page, world: World, server: MailServer
) -> None:
    those = [world.add(f"{name}@customers.test", documents=False) for name in ("ada", "bob", "eve")]
    papers = [pdf(f"Invoice {of.number}", payer.code) for payer, of in those]
    with world.runtime.database.writing() as session:
        for (_, of), paper in zip(those, [papers[1], papers[0], papers[2]], strict=True):
            factories.document(session, world.runtime.documents, of, content=paper, checked=False)
    page.goto(f"/runs/{world.run(start=True)}")
    state(page, "Finished")
    assert [taken.recipients for taken in server.taken] == [("eve@customers.test",)]
    expect(
        page.get_by_text("2 mails are held: a document of each does not mention its invoice number.")
    ).to_be_visible()
    expect(page.get_by_role("link", name="Check these 2").first).to_have_attribute(
        "href", re.compile("^/fix")
    )
    page.get_by_role("link", name=re.compile("^2 suspect document$")).click()
    expect(page).to_have_url(re.compile("reason=suspect_document"))
    expect(page.get_by_role("row")).to_have_count(3)
    accessible(page, "what is held")

    page.get_by_role("link", name=Data(those[0][0].name)).click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("This mail is held: it may carry another customer’s document.")).to_be_visible()
    expect(drawer.get_by_text("does not name its invoice").first).to_be_visible()
    accessible(page, "a held result")
    page.keyboard.press("Escape")

    page.get_by_role("checkbox", name="Select all on this page").check()
    press(page, "Let pass 2", bulk(page))
    question = page.get_by_role("dialog", name="Let the documents of 2 mails pass?")
    expect(question.get_by_text("does not name its invoice")).to_have_count(2)
    accessible(page, "the question")
    question.get_by_role("button", name="Let pass").click()
    expect(question).to_be_visible()  # not before the box is ticked
    question.get_by_label("I have looked at them: they are right").check()
    question.get_by_role("button", name="Let pass").click()
    expect(page.get_by_text("2 mails let pass.")).to_be_visible()
    until(lambda: len(server.taken) == 3, 30, "both went out")
    expect(page.get_by_text("mails are held")).to_have_count(0)
