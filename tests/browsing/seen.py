"""Where things are on the pages, by role and name: the words of the contract, nothing of the markup."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browsing.reader import said, said_number


def results(page: Page) -> Locator:
    return page.get_by_role("table", name="Message results")


def row(page: Page, invoice: str) -> Locator:
    """The row of the result with this invoice."""
    return results(page).get_by_role("row").filter(has_text=invoice)


def invoices(page: Page) -> list[str]:
    """The invoices of the rows on screen, in their order."""
    before, after = said("Select *").split("*")
    boxes = results(page).get_by_role("checkbox").all()[1:]
    return [(box.get_attribute("aria-label") or "").removeprefix(before).removesuffix(after) for box in boxes]


def tab(page: Page, word: str) -> Locator:
    """The filter for a status; it shows the number of results."""
    status = page.get_by_role("navigation", name="Filter by status")
    return status.get_by_role("link", name=re.compile(rf"^{said(word)}\s*[\d,.]+$"))


def counted(page: Page, **counts: int) -> None:
    """Waits until the filters show these numbers: counted(page, Sent=3, Failed=1)."""
    for word, n in counts.items():
        expect(tab(page, word)).to_have_accessible_name(re.compile(rf"^{said(word)}\s*{said_number(n)}$"))


def state(page: Page, word: str) -> None:
    """Waits until the run is in this state."""
    expect(page.get_by_role("main").get_by_text(word, exact=True).first).to_be_visible()


def press(page: Page, name: str, within: Locator | None = None) -> None:
    """Presses the button with this name."""
    (within or page).get_by_role("button", name=name, exact=True).click()


def bulk(page: Page) -> Locator:
    """The bar with what can be done to the selected rows."""
    return page.get_by_role("region", name="Actions for selected results")


def tick(page: Page, *invoices: str) -> None:
    for invoice in invoices:
        page.get_by_role("checkbox", name=f"Select {invoice}", exact=True).check()
