"""Templates: strict, sandboxed, escaped, and their errors are values with a line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from webapp.mailing.render import render
from webapp.mailing.texts import MessageText, Rendered, Unrenderable, spoken

NAMES = {"customer": {"name": "O'Connor & Sons <b>", "metadata": {}}, "invoice": {"net": Decimal("12.50")}}


@pytest.mark.security("C10")
def test_data_are_escaped_in_html_and_not_in_the_subject() -> None:
    made = render(MessageText("For {{ customer.name }}", "<p>Dear {{ customer.name }}</p>", True), NAMES)
    assert isinstance(made, Rendered)
    assert made.subject == "For O'Connor & Sons <b>"
    assert made.html == "<p>Dear O&#39;Connor &amp; Sons &lt;b&gt;</p>"
    assert made.text == "Dear O'Connor & Sons <b>\n"


@pytest.mark.parametrize(
    ("body", "line"),
    [("\n{{ missing }}", 2), ("{{ customer.nmae }}", 1), ("\n\n{{ 1 / 0 }}", 3), ("\n{% if %}", 2)],
)
def test_an_error_is_told_with_its_line(body: str, line: int) -> None:
    made = render(MessageText("s", body, True), NAMES)
    assert isinstance(made, Unrenderable)
    assert f"line {line}" in made.words


@pytest.mark.security("C5")
@pytest.mark.parametrize(
    "body",
    ["{{ ''.__class__.__mro__ }}", "{{ customer.__init__.__globals__ }}", "{{ customer.update(a=1) }}",
     "{% set x = customer.pop('name') %}"],
)  # fmt: skip
def test_a_template_cannot_leave_its_box(body: str) -> None:
    assert isinstance(render(MessageText("s", body, True), NAMES), Unrenderable)


@pytest.mark.security("C8")
def test_a_line_break_in_the_subject_is_refused() -> None:
    made = render(MessageText("{{ name }}", "x", False), {"name": "a\r\nBcc: b@c.d"})
    assert isinstance(made, Unrenderable)


def test_the_language_falls_back() -> None:
    texts = {"": "everybody", "nl": "nl"}
    assert [texts[spoken(tuple(texts), language)] for language in ("nl-BE", "nl", "fr", "")] == [
        "nl", "nl", "everybody", "everybody",
    ]  # fmt: skip


def test_a_language_is_the_same_however_it_is_written() -> None:
    texts = {"": "everybody", "nl": "nl", "nl-BE": "nl-BE", "pt_BR": "pt_BR", "DE": "DE", "de": "de"}
    asked = ("nl_BE", "NL", "nl-be", "NL_nl", "pt-BR", "DE", "de", "de-CH")
    found = [texts[spoken(tuple(texts), language)] for language in asked]
    assert found[:-1] == ["nl-BE", "nl", "nl-BE", "nl", "pt_BR", "DE", "de"]
    assert found[-1] in ("DE", "de")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ invoice.nett }}", "there is no invoice.nett. Did you mean invoice.net?"),
        ("{{ costumer.name }}", "there is no costumer. Did you mean customer?"),
        ("{{ customer.metadata.pin }}", "there is no customer.metadata.pin"),
        ("{{ invoice.net.cents }}", "there is no “cents” in invoice.net"),
        ("{% for x in xyz %}{% endfor %}", "there is no xyz"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_one_that_does(source: str, words: str) -> None:
    made = render(MessageText("s", f"\n{source}", True), NAMES)
    assert made == Unrenderable(words, "template", 2)


PARTS = (
    ("signature", "<p>Yours, {{ customer.name }}</p>"),
    ("wrong", "\n\n{{ unknown }}"),
    ("torn", "{% if %}"),
)


def test_templates_include_parts() -> None:
    body = '<p>Hello</p>{% include "signature" %}'
    for _ in range(2):
        made = render(MessageText("s", body, True, parts=PARTS[:1]), NAMES)
        assert isinstance(made, Rendered)
        assert made.html == "<p>Hello</p><p>Yours, O&#39;Connor &amp; Sons &lt;b&gt;</p>"
        assert made.text == "Hello\n\nYours, O'Connor & Sons <b>\n"


def test_a_part_that_the_template_handles_is_not_marked() -> None:
    parts = (("signature", "{% filter upper %}{{ customer.name }}{% endfilter %}"),)
    made = render(MessageText("s", '<p>{% include "signature" %}</p>', True, parts=parts), NAMES)
    assert isinstance(made, Rendered)
    assert made.text == "O'CONNOR & SONS <B>\n"


@pytest.mark.parametrize(
    ("source", "where", "line", "words"),
    [
        ('{% include "wrong" %}', "part wrong", 3, "there is no unknown"),
        ('{% include "torn" %}', "part torn", 1, "Expected an expression"),
        ('\n{% include "none" %}', "template", 2, "there is no part “none” to include"),
    ],
)
def test_a_mistake_in_a_part_is_told_with_its_name(source: str, where: str, line: int, words: str) -> None:
    made = render(MessageText("s", source, True, parts=PARTS), NAMES)
    assert isinstance(made, Unrenderable)
    assert (made.where, made.line) == (where, line)
    assert words in made.problem


def test_an_own_text_version_is_taken_and_not_escaped() -> None:
    made = render(
        MessageText("s", "<p>{{ customer.name }}</p>", True, plain="To {{ customer.name }}\n"), NAMES
    )
    assert isinstance(made, Rendered)
    assert made.text == "To O'Connor & Sons <b>"
    wrong = render(MessageText("s", "<p></p>", True, plain="{{ nmae }}"), NAMES)
    assert isinstance(wrong, Unrenderable)
    assert (wrong.where, wrong.line) == ("text version", 1)


def test_rules_of_a_style_sheet_are_written_into_the_elements() -> None:
    rules = "p { color: red } @media (max-width: 9px) { p { color: blue } }"
    body = f"<style>{rules}</style><p>{{{{ customer.name }}}}</p>"
    made = render(MessageText("s", body, True), NAMES)
    assert isinstance(made, Rendered)
    assert made.html is not None
    assert '<p style="color: red;">O\'Connor &amp; Sons &lt;b&gt;</p>' in made.html
    assert "@media" in made.html
    assert made.text == "O'Connor & Sons <b>\n"


@pytest.mark.security("C17")
def test_nothing_is_fetched_for_a_style_sheet() -> None:
    fetching = '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><style>@import url(file:///etc/passwd);</style>'
    body = f"{fetching}<p>x</p>"
    made = render(MessageText("s", body, True), NAMES)
    assert isinstance(made, Rendered)
