"""The languages of a template (E8)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from tests.definitions.test_pages import definitions, filled
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.definitions.templates import language_code, languages
from webapp.definitions.versions import TemplateValue, Text
from webapp.store.definitions import TemplateText

__all__ = ["filled"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("English", "en"),
        (" dutch ", "nl"),
        ("Français", "fr"),
        ("日本語", "ja"),
        ("de", "de"),
        ("de_CH", "de-CH"),
        ("Klingonese", "Klingonese"),
    ],
)
def test_e8_a_language_is_known_by_its_name(given: str, code: str) -> None:
    assert language_code(given) == code


def test_e8_the_list_has_what_customers_speak() -> None:
    assert {"en", "nl", "de", "fr", "ja"} <= languages().keys()
    assert list(languages().values()) == sorted(languages().values())


def test_e8_what_is_no_language_is_refused_in_words(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    page = f"/templates/{world.definition.template_id}"
    assert "English, not saved yet" not in text_of(browser.look(f"{page}?language=English"))
    assert "en, not saved yet" in text_of(browser.look(f"{page}?language=English"))
    answer = browser.look(f"{page}?language=Klingonese")
    assert answer.status_code == 303
    assert "Choose one of the list." in text_of(browser.look(answer.location))


def subject_of(world: World, template_id: int, subject: str) -> None:
    with world.runtime.database.writing() as session:
        own = TemplateText.template_id == template_id
        session.execute(update(TemplateText).where(own).values(subject=subject))


def test_18_a_definition_needs_no_subject_if_its_template_has_one(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    world.add("a@customers.test", number="A-1")
    browser = log_in("manager")
    template_id = int(str(filled["template"]))
    browser.look("/definitions/new")
    wrong = browser.press("/definitions", **{**filled, "subject": ""})
    assert (wrong.status_code, "A mail needs a subject:" in text_of(wrong)) == (422, True)
    subject_of(world, template_id, "Own {{ invoice.number }}")
    shown = browser.press("/definitions/check", **{**filled, "subject": ""}, htmx=True)
    assert "Own A-1" in text_of(shown)
    assert browser.press("/definitions", **{**filled, "subject": ""}).status_code == 303
    run_id = world.run(definition_id=definitions(world)["Reminder"].id)
    assert world.statuses(run_id) == ["ready"]


def test_18_a_template_keeps_the_subject_that_a_definition_relies_on(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    browser, template_id = log_in("manager"), int(str(filled["template"]))
    subject_of(world, template_id, "Own")
    browser.look("/definitions/new")
    assert browser.press("/definitions", **{**filled, "subject": ""}).status_code == 303
    page = browser.look(f"/templates/{template_id}").text
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen
    typed = {"name": "Mine", "format": "text", "language": "", "source": "Dear", "seen": seen[1], "plain": ""}
    refused = browser.press(f"/templates/{template_id}", **typed, subject="")
    assert (refused.status_code, "has no subject of its own" in text_of(refused)) == (422, True)
    assert browser.press(f"/templates/{template_id}", **typed, subject="Mine").status_code == 303


@pytest.mark.parametrize(
    ("subjects", "has"),
    [
        ({"": "x", "nl": ""}, True),
        ({"": "", "nl": "x"}, False),
        ({"nl": "x", "de": "y"}, True),
        ({"nl": "x", "de": ""}, False),
    ],
)
def test_18_a_language_without_a_subject_gets_the_default(subjects: dict[str, str], has: bool) -> None:
    value = TemplateValue("a", "text", {each: Text("x", subject) for each, subject in subjects.items()})
    assert value.has_every_subject == has
