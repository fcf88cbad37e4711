"""An import in a browser, with a real worker: a Dutch export and its PDFs, corrected and applied."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests import factories
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.reader import Data
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.intake import exports
from tests.world import World
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, TransformationResult


def upload(world: World) -> dict[str, bytes]:
    """The export and its documents, with codes, numbers and clusters that no other test has."""
    mark = world.everybody.tag_name.rpartition(" ")[2]

    def own(text: str) -> str:
        text = re.sub(r"\bK([1-5])\b", rf"K{mark}-\1", text).replace("F2026", f"F{mark}")
        return re.sub(r"(?<=;)(Alles|Noord|Zuid)\b|^(Alles|Noord|Zuid)\b", rf"\g<0> {mark}", text, flags=re.M)

    texts = {name: own(content.decode("cp1252")) for name, content in exports.export().items()}
    head, *lines = texts["facturen.csv"].splitlines()
    texts["facturen.csv"] = "\n".join([f"{head};Ref {mark}", *(f"{line};x" for line in lines)])
    # Without a key, the file would be read as the installation's only one: other tests add some.
    head, *lines = texts["mailadressen.csv"].splitlines()
    texts["mailadressen.csv"] = "\n".join([f"{head};key", *(f"{line};billing" for line in lines)])
    documents = {own(name): content for name, content in exports.documents().items()}
    files = {name: text.encode("cp1252") for name, text in texts.items()}
    return {**files, "pdf.zip": exports.zipped(documents)}


def as_files(files: dict[str, bytes]) -> list[Any]:
    return [{"name": name, "mimeType": "text/csv", "buffer": content} for name, content in files.items()]


def until(page: Page, words: str, *, script: bool) -> None:
    """Waits for the page that says so; without script it is loaded again, as a person does."""
    for _ in range(0 if script else 150):
        if page.get_by_text(words).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    expect(page.get_by_text(words).first).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_an_export_is_uploaded_corrected_and_applied(
    marit: NewContext, world: World, watch: Watch, script: bool
) -> None:
    with world.runtime.database.writing() as session:
        factories.recipient_key(session, "billing")
    page = marit(java_script_enabled=script).new_page()
    page.goto("/invoices")
    page.get_by_role("navigation", name="Invoices").get_by_role("link", name="Imports").click()
    page.get_by_label("Drop files here, or choose them").set_input_files(as_files(upload(world)))
    page.get_by_role("button", name="Check these files").click()
    until(page, "2 errors, so nothing can be applied yet.", script=script)
    errors = page.get_by_role("region", name="Errors")
    expect(errors.get_by_role("listitem").filter(has_text="Status")).to_contain_text(
        "no column of the file is this."
    )
    columns = page.get_by_role("region", name="Files and columns")
    if script:
        accessible(page, "an import with errors")
    facturen = columns.get_by_role("group", name="facturen.csv")
    expect(facturen.get_by_label("Separator")).to_have_value(";")
    expect(facturen.get_by_label("Dates and amounts")).to_have_value("nl")
    expect(columns.get_by_role("group", name="klanten.csv").get_by_label("Encoding")).to_have_value("cp1252")
    facturen.get_by_label("Status").select_option(Data("approved"))
    facturen.get_by_label("Currency").fill("EUR")
    columns.get_by_role("button", name="Check again").click()
    until(page, "new and 0 changed records", script=script)
    expect(page.get_by_role("region", name="Row by row")).to_contain_text("Email addresses")
    if script:
        accessible(page, "an import that can be applied")
    page.get_by_role("region", name="Apply").get_by_role("button", name="Apply").click()
    until(page, "Applied by", script=script)
    with world.runtime.database.reading() as session:
        mark = world.everybody.tag_name.rpartition(" ")[2]
        stored = session.scalars(select(Invoice).where(Invoice.number.like(f"F{mark}-%"))).all()
        assert len(stored) == 8
        customers = select(Customer.name).where(Customer.code.like(f"K{mark}-%"))
        assert "Müller & Zn" in session.scalars(customers).all()
        owners = [invoice.id for invoice in stored]
        documents = select(TransformationResult).where(TransformationResult.invoice_id.in_(owners))
        assert len(session.scalars(documents).all()) == 8
    page.goto("/imports")
    expect(page.get_by_role("table", name="Imports").get_by_role("row").nth(1)).to_contain_text("Applied")
    if script:
        accessible(page, "imports")


def test_files_can_be_dropped_and_a_refusal_says_the_way_out(page: Page, world: World, watch: Watch) -> None:
    watch.expect("status of 422")
    page.goto("/import")
    handle = page.evaluate_handle(
        """() => {
          const given = new DataTransfer();
          given.items.add(new File(['x'], 'klanten.xlsx'));
          return given;
        }"""
    )
    page.get_by_text("Drop files here, or choose them").dispatch_event("drop", {"dataTransfer": handle})
    page.get_by_role("button", name="Check these files").click()
    expect(page.get_by_text(re.compile("is a workbook. Save each of its sheets as CSV"))).to_be_visible()
    accessible(page, "a refused upload")


def test_a_manager_of_clusters_is_told_who_may_import(
    installed: Installation, world: World, new_context: NewContext, watch: Watch
) -> None:
    watch.expect("status of 403")
    page = new_context().new_page()
    log_in(page, installed.person("manager", world.everybody))
    page.goto("/import")
    expect(
        page.get_by_text("so only administrators and managers who see all clusters may import")
    ).to_be_visible()


def test_only_who_is_logged_in_may_send_much(
    installed: Installation, page: Page, world: World, new_context: NewContext, watch: Watch
) -> None:
    """The server would write the whole body to its disk before any page looks at it."""
    content = b"%PDF-1.4" + bytes(12_000_000)
    page.goto("/imports")
    page.get_by_label("Drop files here, or choose them").set_input_files(as_files({"large.pdf": content}))
    page.get_by_role("button", name="Check these files").click()
    expect(page.get_by_role("heading", name=re.compile(r"^Import \d+$"))).to_be_visible()
    host, port = installed.web.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as stranger:
        head = f"POST /imports HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n"
        stranger.sendall(f"{head}Cookie: mailrun=forged\r\n\r\n".encode())
        assert b" 413 " in stranger.recv(100)
