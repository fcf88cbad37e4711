"""Templates: strict, sandboxed, escaped, and their errors are values with a line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from webapp.mailing.render import MessageText, Rendered, Unrenderable, render, text_in

NAMES = {"customer": {"name": "O'Connor & Sons <b>", "metadata": {}}, "invoice": {"net": Decimal("12.50")}}


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


@pytest.mark.parametrize(
    "body",
    ["{{ ''.__class__.__mro__ }}", "{{ customer.__init__.__globals__ }}", "{{ customer.update(a=1) }}",
     "{% set x = customer.pop('name') %}"],
)  # fmt: skip
def test_a_template_cannot_leave_its_box(body: str) -> None:
    assert isinstance(render(MessageText("s", body, True), NAMES), Unrenderable)


def test_a_line_break_in_the_subject_is_refused() -> None:
    made = render(MessageText("{{ name }}", "x", False), {"name": "a\r\nBcc: b@c.d"})
    assert isinstance(made, Unrenderable)


def test_the_language_falls_back() -> None:
    texts = {"": "everybody", "nl": "nl"}
    assert [text_in(texts, language) for language in ("nl-BE", "nl", "fr", "")] == [
        "nl", "nl", "everybody", "everybody",
    ]  # fmt: skip
