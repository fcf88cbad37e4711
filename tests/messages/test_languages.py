"""One language for all of a mail; what has no text in it is told."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import insert, select, update

from tests.http_client import Browser, LogIn, text_of
from tests.new_run.test_pages import preview
from tests.world import World
from webapp.definitions.versions import content_of
from webapp.mailing.texts import Rendered
from webapp.messages.building import to_render
from webapp.messages.inputs import preview_input
from webapp.messages.languages import LanguageGap, gaps, message_text
from webapp.store.customers import Customer
from webapp.store.definitions import Content, MessageDefinition, TemplatePart, TemplateText
from webapp.store.invoices import Invoice


def content(**given: Any) -> Content:
    made = {
        "subject": "Invoice", "format": "html", "texts": {"": "Dear", "nl": "Beste"},
        "subjects": {"nl": "Factuur"}, "plains": {"nl": "beste"},
        "parts": {"regards": {"": "Regards", "nl": "Groet", "de": "Grüße"}}, **given,
    }  # fmt: skip
    return cast(Content, made)


@pytest.mark.parametrize(
    ("language", "subject", "body", "regards", "plain"),
    [
        ("nl", "Factuur", "Beste", "Groet", "beste"),
        ("nl-BE", "Factuur", "Beste", "Groet", "beste"),
        ("NL_be", "Factuur", "Beste", "Groet", "beste"),
        ("de", "Invoice", "Dear", "Regards", ""),
        ("", "Invoice", "Dear", "Regards", ""),
    ],
)
def test_a6_one_language_for_subject_body_parts_and_text(
    language: str, subject: str, body: str, regards: str, plain: str
) -> None:
    made = message_text(content(), language)
    assert (made.subject, made.body, made.plain) == (subject, body, plain)
    assert made.parts == (("regards", regards),)
    assert made.language == language


def test_a6_a_part_follows_the_body_not_the_customer() -> None:
    flemish = content(parts={"regards": {"": "Regards", "nl": "Groet", "nl-BE": "Groetjes"}})
    assert message_text(flemish, "nl-BE").parts == (("regards", "Groet"),)
    no_default = content(
        texts={"en": "Dear", "nl": "Beste"}, parts={"regards": {"de": "Grüße", "en": "Regards"}}
    )
    assert message_text(no_default, "de").body == "Dear"
    assert message_text(no_default, "de").language == "en"
    assert message_text(no_default, "de").parts == (("regards", "Regards"),)


def test_a6_what_has_no_text_in_a_language_is_a_gap() -> None:
    assert gaps(content()) == [LanguageGap("de", ("body",))]
    both = content(texts={"": "Dear", "nl": "Beste", "de": "Liebe"}, parts={"regards": {"": "R", "nl": "G"}})
    assert gaps(both) == [LanguageGap("de", ("subject", "part “regards”"))]
    assert gaps(content(parts={}, subjects={})) == [LanguageGap("nl", ("subject",))]
    assert gaps(content(texts={"": "Dear"}, subjects={}, parts={"regards": {"": "R"}})) == []


@pytest.fixture
def translated(world: World) -> World:
    """The definition in English and Dutch; regards in English, Dutch and German."""
    with world.runtime.database.writing() as session:
        of = world.definition.template_id
        session.execute(update(TemplateText).values(source='Dear{% include "regards" %}'))
        session.execute(
            insert(TemplateText).values(
                template_id=of,
                language="nl",
                source='Beste{% include "regards" %}',
                subject="Factuur",
                plain="",
            )
        )
        session.add_all(
            TemplatePart(name="regards", language=each, source=text)
            for each, text in (("", " Regards"), ("nl", " Groet"), ("de", " Grüße"))
        )
    for language, count in (("nl-BE", 2), ("de", 3), ("", 1)):
        for _ in range(count):
            payer, _ = world.add()
            with world.runtime.database.writing() as session:
                session.execute(update(Customer).where(Customer.id == payer.id).values(language=language))
    return world


def test_a6_a_german_customer_of_an_english_and_dutch_template_gets_all_in_english(translated: World) -> None:
    runtime = translated.runtime
    with runtime.database.reading() as session:
        definition = session.get_one(MessageDefinition, translated.definition.id)
        stored = content_of(session, definition)
        said = {}
        for invoice in session.scalars(select(Invoice.id)).all():
            work = preview_input(session, stored, "Run", [], [invoice])
            made = runtime.renderer.render(to_render(work))
            assert isinstance(made, Rendered)
            said[work.customer["language"]] = (made.subject.split()[0], made.text.strip())
    assert said == {
        "nl-BE": ("Factuur", "Beste Groet"),
        "de": ("Invoice", "Dear Regards"),
        "": ("Invoice", "Dear Regards"),
    }


def test_a6_pages_tell_languages_without_a_text(log_in: LogIn, translated: World) -> None:
    browser: Browser = log_in("manager")
    assert "3 customers: German, get the default text." in text_of(preview(browser, translated))
    assert "missing: German body" in text_of(browser.look("/templates"))
    template = browser.look(f"/templates/{translated.definition.template_id}")
    assert "Missing: German body. The default is sent instead." in text_of(template)
    definition = browser.look(f"/definitions/{translated.definition.id}")
    assert "Missing: German body. The default is sent instead." in text_of(definition)
