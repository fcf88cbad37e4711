"""From the dialog to a run: preview, errors, create, start."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update

from tests.http_client import LogIn, fields, text_of
from tests.runs.dialog import made, runs, shown_preview
from tests.world import World
from webapp.extensions import Runtime
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice


def test_the_preview_says_who_gets_what_and_who_not_and_why(log_in: LogIn, world: World) -> None:
    world.add(gross="100.10")
    world.add("")
    world.add(documents=False)
    browser = log_in("manager")
    browser.look("/runs/new")
    said = text_of(browser.press("/runs/preview", **fields(world)))
    for words in (
        "3 invoices match",
        "1 will be sent",
        "1 no recipient",
        "1 no attachment",
        "0 already sent",
    ):
        assert words in said
    assert "100.10" in said
    piece = browser.client.get("/runs/preview", query_string=fields(world), headers={"HX-Request": "true"})
    assert "<html" not in piece.text
    assert "will be sent" in piece.text


def test_e7_a_start_that_would_send_nothing_is_refused_in_words(log_in: LogIn, world: World) -> None:
    world.add("")
    browser = log_in("manager")
    browser.look("/runs/new")
    answer = browser.press("/runs", **shown_preview(browser, world), start="1")
    assert answer.status_code == 422
    assert "Nothing would be sent" in text_of(answer)
    assert runs(world) == []


def test_e7_a_run_from_a_definition_includes_the_clusters_below(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    page = browser.look(f"/definitions/{world.definition.id}").text
    [address] = re.findall(r'href="(/runs/new\?definition=[^"]+)"', page)
    form = browser.look(address.replace("&amp;", "&")).text
    [box] = re.findall(r'<input[^>]*name="include_children"[^>]*>', form)
    assert "checked" in box


@pytest.mark.security("C3")
@pytest.mark.parametrize("given", [{"bcc": ["thief@evil.test"]}, {"reply_to": "thief@evil.test"}])
def test_f6_a_definitions_own_copies_leave_the_company_neither(
    pages: Flask, log_in: LogIn, world: World, given: dict[str, object]
) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(**given))
    parts: Runtime = pages.extensions["mailrun"]
    narrow = replace(parts.settings, bcc_domains=("customers.test",))
    pages.extensions["mailrun"] = replace(parts, settings=narrow)
    browser = log_in("manager")
    answer = browser.press("/runs", **shown_preview(browser, world))
    assert "customers.test only" in text_of(answer)
    assert runs(world) == []


@pytest.mark.security("C8")
def test_f9_a_name_of_more_than_one_line_is_refused(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    answer = browser.press("/runs", **shown_preview(browser, world), name="a\x1b[2Jb")
    assert "one line of plain text" in text_of(answer)
    assert runs(world) == []


def test_e9_a_question_says_why_it_is_asked(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    browser.look("/runs/new")
    asked = browser.press("/runs", **fields(world), start="1")
    assert "The numbers had not been shown yet." in text_of(asked)


def test_bad_input_is_told_at_the_field(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/runs/new")
    for given, words in (
        ({"cluster": "nowhere"}, "There is no customer cluster “nowhere”"),
        ({"cluster": "LEF"}, "Did you mean “left”?"),
        ({"period_from": "2026-11-01"}, "The period ends before it begins"),
        ({"period_to": "soon"}, "This is not a date"),
        ({"bcc": "archive@"}, "archive@"),
        ({"definition": "999"}, ""),
    ):
        answer = browser.press("/runs", **fields(world, **given))
        assert answer.status_code == 422, given
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert runs(world) == []


def test_two_presses_of_create_make_one_run(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    fields = shown_preview(browser, world)
    keys = dict(browser.keys)
    first = browser.press("/runs", **fields)
    browser.keys = keys
    second = browser.press("/runs", **fields)
    assert first.location == second.location
    assert len(runs(world)) == 1


def test_a_set_that_changed_since_the_preview_is_asked_about(log_in: LogIn, world: World) -> None:
    _, invoice = world.add()
    world.add()
    browser = log_in("manager")
    fields = shown_preview(browser, world)
    with world.runtime.database.writing() as session:
        session.get_one(Invoice, invoice.id).status = "open"
    answer = browser.press("/runs", start="1", **fields)
    assert answer.status_code == 200
    assert "Create and start" in answer.text
    assert runs(world) == []


@pytest.mark.security("C29")
def test_a_start_above_the_limit_is_asked_about_once(pages: Flask, log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add()
    parts: Runtime = pages.extensions["mailrun"]
    careful = replace(parts, settings=replace(parts.settings, confirm_above=2))
    pages.extensions["mailrun"] = careful
    browser = log_in("manager")
    asked = browser.press("/runs", start="1", **shown_preview(browser, world))
    assert asked.status_code == 200
    assert "3 mails" in text_of(asked)
    assert runs(world) == []
    run_id = made(browser, world)
    browser.look(f"/runs/{run_id}")
    for seen in ({}, {"asked": "1", "seen": "2"}):  # another has put one back meanwhile
        question = browser.press(f"/runs/{run_id}/sending", **seen)
        assert "Send 3 mails?" in text_of(question)
        assert '<input type="hidden" name="seen" value="3">' in question.text
        assert world.status(run_id) == "created"
    browser.press(f"/runs/{run_id}/sending", asked="1", seen="3")
    assert world.status(run_id) == "running"


@pytest.mark.security("C25")
def test_extra_fields_of_a_form_are_ignored(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    run_id = made(
        browser, world, status="finished", created_by="another person", highest_invoice_id="0", id="77"
    )
    [run] = runs(world)
    assert (run.id, run.status, run.created_by) == (run_id, "created", "manager@example.com")
