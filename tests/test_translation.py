"""Texts in the reader's language: by key, with numbers in their style, escaped where a page shows them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask, render_template_string
from markupsafe import Markup

from webapp import notation, translation
from webapp.notation import Notation, NumberStyle
from webapp.translation import _, best_of, ngettext

DUTCH = Notation(language="nl")


def test_texts_without_a_translation_are_english() -> None:
    with notation.reading(DUTCH):
        assert _("No catalogue has %(what)s, %%", what="this") == "No catalogue has this, %"
        assert translation.translated("100 % this") == "100 % this"


def test_dutch_says_it_in_dutch() -> None:
    with notation.reading(DUTCH):
        assert translation.translated("Sees everything.") == "Ziet alles."
        with translation.english():
            assert translation.translated("Sees everything.") == "Sees everything."
        assert translation.translated("Sees everything.") == "Ziet alles."


@pytest.mark.parametrize(
    ("numbers", "said"), [(NumberStyle.LANGUAGE, "12.471"), (NumberStyle.SPACE, "12\u202f471")]
)
def test_numbers_are_written_as_the_reader_does(numbers: NumberStyle, said: str) -> None:
    with notation.reading(replace(DUTCH, numbers=numbers)):
        assert ngettext("%(num)s of a test", "%(num)s of tests", 12471) == f"{said} of tests"
        assert ngettext("%(num)s of a test", "%(num)s of tests", 1) == "1 of a test"


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [(["nl-BE", "en"], "nl"), (["fr", "de-CH"], "de"), (["fr"], "en"), ([], "en"), (["en-GB", "nl"], "en")],
)
def test_the_browser_says_which_language(accepted: list[str], shown: str) -> None:
    assert best_of(accepted) == shown


def test_the_terminal_says_which_language() -> None:
    for environment, language in (
        ({"LANG": "nl_NL.UTF-8"}, "nl"),
        ({"LANG": "nl_NL.UTF-8", "LC_ALL": "C"}, "en"),
        ({}, "en"),
    ):
        with notation.reading(notation.DEFAULT):
            translation.use_environment(environment)
            assert notation.current().language == language


@pytest.mark.security("C10")
def test_a_page_escapes_values_and_keeps_markup_of_the_text(pages: Flask) -> None:
    with pages.test_request_context():
        shown = render_template_string(
            '{{ _("<b>%(name)s</b>", name=name) }} {% trans %}Start “{{ name }}”{% endtrans %} '
            '{{ ngettext("%(num)s run of %(name)s", "%(num)s runs of %(name)s", 1200, name=name) }}'
            "{% trans num=3 %}{{ num }} run{% pluralize %}{{ num }} runs{% endtrans %}",
            name="<i>",
        )
    assert shown == "<b>&lt;i&gt;</b> Start “&lt;i&gt;” 1,200 runs of &lt;i&gt;3 runs"
    assert Markup(shown)


def test_a_page_is_in_the_language_of_the_browser_until_the_user_is_known(pages: Flask) -> None:
    answer = pages.test_client().get("/login", headers={"Accept-Language": "nl-NL,en;q=0.5"})
    assert '<html lang="nl">' in answer.text


def test_a_label_within_a_sentence_keeps_the_capitals_of_german_nouns() -> None:
    assert translation.within("Amount") == "amount"
    assert translation.capital("nicht versendete E-Mail") == "Nicht versendete E-Mail"
    with notation.reading(replace(DUTCH, language="de")):
        assert translation.within("Betrag") == "Betrag"
