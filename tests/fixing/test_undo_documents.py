"""Undo of documents that were added or replaced in the list."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select

from tests.fixing.conftest import fields, hidden
from tests.fixing.test_saving import audited, suspect
from tests.http_client import Browser, LogIn, text_of
from tests.pdfs import pdf
from tests.world import World
from webapp.invoices import uploads
from webapp.results.to_fix import OpenCause
from webapp.store.customers import Customer
from webapp.store.db import db
from webapp.store.invoices import Invoice, TransformationResult

__all__ = ["suspect"]


def documents(world: World) -> list[TransformationResult]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(TransformationResult)))


def undone(browser: Browser, page: str, **forged: str) -> str:
    """Presses Undo on the page; returns what is said."""
    kept = dict(re.findall(r'name="(undo-[^"]+)" value="([^"]*)"', page))
    token = re.search(r'name="undo" value="([^"]*)"', page)
    assert token
    given = {name: forged.get(name.split("-")[1], value) for name, value in kept.items()}
    browser.press("/fix/undo", undo=token[1], **given)
    return text_of(browser.look("/fix"))


def file(payer: Customer | None = None, invoice: Invoice | None = None) -> io.BytesIO:
    """A file to upload: the document of this invoice, or any."""
    named = (f"Invoice {invoice.number}", payer.code, payer.name) if payer and invoice else ("another",)
    return io.BytesIO(pdf(*named))


def test_an_added_document_is_taken_out_again(world: World, log_in: LogIn) -> None:
    world.add("a@x.test", documents=False)
    run_id = world.run()
    browser = log_in("manager")
    given = fields(browser, OpenCause.NO_ATTACHMENT, file=(file(), "new.pdf"))
    browser.press("/fix", **given)
    assert world.statuses(run_id) == ["ready"]
    said = undone(browser, browser.look("/fix").text)
    assert "Undone. 1 mail is held back again." in said
    assert documents(world) == []
    assert world.statuses(run_id) == ["skipped"]
    assert world.results(run_id)[0].reason == "no_attachment"


def test_one_that_was_asked_about_since_is_taken_out_with_its_mail(world: World, log_in: LogIn) -> None:
    payer, invoice = world.add("a@x.test", documents=False)
    run_id = world.run()
    world.start(run_id)
    browser = log_in("manager")
    given = fields(browser, OpenCause.NO_ATTACHMENT, file=(file(payer, invoice), "new.pdf"))
    asked = browser.look(browser.press("/fix", **given).headers["Location"])
    assert "Send 1 mail?" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    assert world.statuses(run_id) == ["ready"]
    page = browser.look("/fix").text
    assert page.count("data-undo") == 1
    assert "Undone. 1 mail is held back again." in undone(browser, page)
    assert documents(world) == []


def test_after_no_to_the_question_it_can_be_undone(world: World, log_in: LogIn) -> None:
    world.add("a@x.test", documents=False)
    world.start(world.run())
    browser = log_in("manager")
    given = fields(browser, OpenCause.NO_ATTACHMENT, file=(file(), "new.pdf"))
    browser.look(browser.press("/fix", **given).headers["Location"])
    page = browser.look("/fix").text
    assert "If it is right, press Send again beside it." in page
    assert "Undone." in undone(browser, page)
    assert documents(world) == []


def test_a_replaced_document_is_what_it_was(world: World, log_in: LogIn, suspect: int) -> None:
    browser = log_in("manager")
    [before] = documents(world)
    given = fields(browser, OpenCause.SUSPECT_DOCUMENT, action="replace", file=(file(), "new.pdf"))
    browser.press("/fix", **given)
    assert documents(world)[0].sha256 != before.sha256
    page = browser.look("/fix").text
    assert "This cannot be undone any more" in undone(browser, page, old="WyJmb3JnZWQiXQ.x.y")
    assert documents(world)[0].sha256 != before.sha256, "no document but the one that was there is put back"
    undone(browser, page)
    [after] = documents(world)
    same = ("file_name", "sha256", "finding", "suspect", "origin", "found_in")
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}
    assert world.statuses(suspect) == ["skipped"]
    assert world.results(suspect)[0].reason == "suspect_document"
    assert any(entry.startswith("change invoice") for entry in audited(world))


def test_a_file_that_is_wrong_too_frees_no_mail(world: World, log_in: LogIn, suspect: int) -> None:
    world.start(suspect)
    assert world.status(suspect) == "finished"
    browser = log_in("manager")
    browser.press(
        "/fix", **fields(browser, OpenCause.SUSPECT_DOCUMENT, action="replace", file=(file(), "a.pdf"))
    )
    page = text_of(browser.look("/fix"))
    assert "can go out now" not in page
    assert "Saved. The file is checked now. If it is right, press Send again beside it." in page
    assert "does not name its invoice" in page


def test_another_change_meanwhile_is_not_undone(world: World, log_in: LogIn) -> None:
    world.add("a@x.test", documents=False)
    world.run()
    browser = log_in("manager")
    browser.press("/fix", **fields(browser, OpenCause.NO_ATTACHMENT, file=(file(), "new.pdf")))
    page = browser.look("/fix").text
    with world.runtime.database.writing() as session:
        session.scalars(select(TransformationResult)).one().file_name = "renamed.pdf"
    assert "was changed" in undone(browser, page)
    assert [each.file_name for each in documents(world)] == ["renamed.pdf"]


def test_no_session_is_open_while_a_file_is_stored(
    world: World, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("a@x.test", documents=False)
    world.run()
    browser = log_in("manager")
    given = fields(browser, OpenCause.NO_ATTACHMENT, file=(file(), "new.pdf"))
    is_open: list[bool] = []
    put = uploads.put

    def watched(*args: object) -> object:
        is_open.append(db._sessions.registry.has())
        return put(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "put", watched)
    browser.press("/fix", **given)
    assert is_open == [False]
