"""A customer's data as a ZIP, and the pages and commands that export and erase them."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests import factories
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.cli import main
from webapp.privacy import erased_documents, exporting
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


@pytest.fixture
def customer(world: World, worker: WorkerProcess, branches: None) -> Customer:
    """One with a mail, and another one beside."""
    payer, _ = world.add("ann@a.example")
    world.add("bob@b.example")
    with world.runtime.database.writing() as session:
        over = factories.mail_server(session)
        factories.definition(session, over, name="Locked", password_key="pin")
        stored = session.get_one(Customer, payer.id)
        stored.extra = {"pin": "s3cret99", "contract": "C-7"}
    world.deliver(worker, bcc=["boss@example.com"])
    return payer


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_has_everything_of_this_customer_and_nothing_of_others(
    world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 1)
    pieces = exporting.customer_data(world.runtime.database, world.runtime.documents, customer.id)
    files = unpacked(b"".join(pieces))
    read = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert read["customer.json"]["addresses"] == [
        {"key": "billing", "address": "ann@a.example", "display_name": ""}
    ]
    assert read["customer.json"]["metadata"]["contract"] == "C-7"
    [invoice] = read["invoices.json"]
    assert invoice["gross_amount"] == "121.00"
    assert [each["recipients"] for each in read["results.json"]] == [["ann@a.example"]]
    [attempt] = read["attempts.json"]
    assert (attempt["recipients"], attempt["code"]) == (["ann@a.example"], 250)
    assert attempt["transcript"]
    [document] = [content for name, content in files.items() if name.startswith("documents/")]
    assert document.startswith(b"%PDF")
    everything = b"".join(files.values())
    for other in (b"bob@b.example", b"s3cret99", b"boss@example.com"):
        assert other not in everything
    assert json.loads(files["audit.json"]) == []


def test_a_manager_exports_within_their_clusters_and_it_is_noted(
    log_in: LogIn, world: World, customer: Customer
) -> None:
    url = f"/customers/{customer.id}/data.zip"
    assert log_in("viewer").look(url).status_code == 403
    browser = log_in("manager")
    assert "Export this customer’s data" in browser.look(f"/customers/{customer.id}").text
    assert "customer.json" in unpacked(browser.look(url).data)
    with world.runtime.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "export customer")).one()
    assert entry.subject == f"customer {customer.code}"
    assert log_in("manager", "left").look(url).status_code == 404


def test_an_administrator_reads_what_goes_types_the_code_and_erases(
    log_in: LogIn, world: World, customer: Customer
) -> None:
    url = f"/customers/{customer.id}/erasure"
    manager = log_in("manager")
    assert manager.look(url).status_code == 403
    manager.look(f"/customers/{customer.id}")
    assert manager.press(url, code=customer.code).status_code == 403
    browser = log_in("admin")
    page = text_of(browser.look(url))
    for words in ("1 address", "2 fields of the metadata", "1 document", "1 invoice with its amounts",
                  "that 1 mail went out", "accounting law"):  # fmt: skip
        assert words in page
    wrong = browser.press(url, code="C0")
    assert wrong.status_code == 422
    assert f"Type the code {customer.code} to confirm." in text_of(wrong)
    assert browser.press(url, code=customer.code).status_code == 303
    shown = text_of(browser.look(f"/customers/{customer.id}"))
    assert f"Erased customer {customer.code}" in shown
    assert "were erased on" in shown
    assert "ann@a.example" not in shown
    assert "are erased already" in text_of(browser.look(url))
    assert erased_documents.is_any(world.runtime.database)
    gone = erased_documents.delete_erased(world.runtime.database, world.runtime.documents, threading.Event())
    assert gone == 1


def test_the_commands(environ: dict[str, str], world: World, customer: Customer, tmp_path: Path) -> None:
    file = tmp_path / "customer.zip"

    def call(*words: str) -> str:
        done = CliRunner().invoke(main, ["customers", *words], env=environ, input="no\n")
        return f"{done.exit_code} {done.output}"

    assert call("export", customer.code, str(file)).startswith("0 ")
    assert "attempts.json" in unpacked(file.read_bytes())
    assert "exists already" in call("export", customer.code, str(file))
    assert "There is no customer C0" in call("erase", "C0", "--yes")
    assert "Nothing was erased." in call("erase", customer.code)
    done = call("erase", customer.code, "--yes")
    assert done.startswith("0 "), done
    assert f"The personal data of {customer.code} are erased." in done
    assert not erased_documents.is_any(world.runtime.database)
    with world.runtime.database.reading() as session:
        of_it = select(CustomerEmail).where(CustomerEmail.customer_id == customer.id)
        assert session.scalars(of_it).all() == []
