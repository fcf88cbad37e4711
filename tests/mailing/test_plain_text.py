"""The text alternative made by shapes is the one that the library makes of each mail by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webapp.mailing import plain_text as module
from webapp.mailing.plain_text import plain_text, plain_text_of_marked, unmarked
from webapp.mailing.render import HANDLED_AGAIN, _marking, render
from webapp.mailing.texts import MessageText, Rendered

TEMPLATES = [
    "<p>Dear {{ a }},</p><p>please pay {{ b }}{{ c }} to <b>{{ a }}</b>.</p>",
    "<table><tr><th>Item</th><th>{{ a }}</th></tr><tr><td>{{ b }}</td><td>{{ c }}</td><td>x</td></tr>"
    "</table>",
    "<ul>{% for x in many %}<li>{{ x }}</li>{% endfor %}</ul>{% if a %}<h1>{{ a }}</h1>{% endif %}",
    "<p style='display: {{ a }}'>seen?</p><p title='1 > 0' style='display: {{ a }}'>and this?</p>",
    "<p title='1 > 0' style='display: {{ a }}'>and this {{ b }}?</p>",
    '<p>see <a href="https://x.test/{{ a }}">{{ b }}</a></p><!-- {{ c }} --><pre>  {{ a }}\n {{ b }}</pre>',
    "<style>p > b { color: {{ a }} }</style>a {{ a|safe }} {{ b|upper }} <br>{{ c|e }}\n\n{{ a }}",
    "{{ a }}\ue000{{ 1 + 1 }}",
    "{{ a }}<div>{{ b }}<span>{{ c }}</span></div>{{ a }} {{ b }}",
]
values = st.one_of(
    st.text(alphabet="aB <>&\"'é漢\n\t\xa0\u200b\ue001\ufdd0=€0", max_size=8),
    st.sampled_from(["none", "block", "Jan & Co", "<b>bold</b>", "&amp;", "1,234.50 €", "", " "]),
    st.integers(),
    st.none(),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TEMPLATES), values, values, values, st.lists(values, max_size=4))
@example(TEMPLATES[4], "block", "b", "", [])
@example(TEMPLATES[4], "none", "b", "", [])
def test_shapes_say_what_each_mail_says(template: str, a: Any, b: Any, c: Any, many: list[Any]) -> None:
    names = {"a": a, "b": b, "c": c, "many": many}
    for _ in range(2):  # the second time its shape is known
        found = render(MessageText("s", template, True), names)
        assert isinstance(found, Rendered)
        assert found.html is not None
        assert found.text == plain_text(found.html)


def test_a_shape_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = module._text_of

    def counting(html: str) -> str:
        asked.append(html)
        return real(html)

    monkeypatch.setattr(module, "_text_of", counting)
    for number in range(50):
        render(MessageText("s", "<p>asked once for {{ n }}</p>", True), {"n": f"{number:03}"})
    assert len(asked) == 2  # the first mail itself, and its shape


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m() %}{{ a }}{% endmacro %}{{ m() }}",
        "{% set x %}{{ a }}{% endset %}{{ x|length }}",
        "{% filter upper %}{{ a }}{% endfilter %}",
    ],
)
def test_what_a_template_handles_again_has_no_marks(source: str) -> None:
    assert _marking(source, (), "") is None
    assert HANDLED_AGAIN
    found = render(MessageText("s", source, True), {"a": "abc"})
    assert isinstance(found, Rendered)
    assert found.html in ("abc", "3", "ABC")


def test_marks_never_get_into_a_mail() -> None:
    found = render(MessageText("s", "<p>{{ a }} {{ a|length }}</p>", True), {"a": "x\ufdd0y"})
    assert isinstance(found, Rendered)
    assert found.html == "<p>x\ufdd0y 3</p>"
    assert unmarked(plain_text_of_marked("<p>plain</p>")) == "plain\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            '<a href="https://pay.example/7?a=1&amp;b=2">Pay now</a>',
            "Pay now <https://pay.example/7?a=1&b=2>",
        ),
        (
            "<p>See <a class=x href='http://x.test/'><b>our</b> terms</a>.</p>",
            "See our terms <http://x.test/>.",
        ),
        ('<a href="https://www.x.test/">x.test</a>', "x.test"),
        ('<a href="https://x.test/a">https://x.test/a</a>', "https://x.test/a"),
        ('<a href="mailto:help@x.test?subject=Hi">write to us</a>', "write to us <help@x.test>"),
        ('<a href="mailto:help@x.test">help@x.test</a>', "help@x.test"),
        ('<a href="tel:+31201234567">+31 20 123 4567</a>', "+31 20 123 4567"),
        ('<a href="#top">Top</a> <a name="x">here</a> <a href="javascript:x()">no</a>', "Top here no"),
        ('<a href="https://pay.example/7"><img src="cid:pay" alt=""></a>', "<https://pay.example/7>"),
        ('<a data-href="https://no.test" href="https://yes.test">x</a>', "x <https://yes.test>"),
    ],
)
def test_d1_a_link_has_its_address(html: str, text: str) -> None:
    assert plain_text(html).strip() == text


def test_d1_each_mail_has_its_own_address() -> None:
    template = '<p><a href="{{ url }}">{{ words }}</a> or <a href="https://x.test/{{ n }}">here</a></p>'
    for n, (url, words, said) in enumerate([
        ("https://pay.test/1", "Pay", "Pay <https://pay.test/1>"),
        ("https://pay.test/2", "Pay", "Pay <https://pay.test/2>"),
        ("https://pay.test/2", "https://pay.test/2", "https://pay.test/2"),
        ("#", "Pay", "Pay"),
        ("https://pay.test/3?a=1&b=2", "Zahlen", "Zahlen <https://pay.test/3?a=1&b=2>"),
        ("mailto:a@pay.test", "us", "us <a@pay.test>"),
    ]):  # fmt: skip
        found = render(MessageText("s", template, True), {"url": url, "words": words, "n": n})
        assert isinstance(found, Rendered)
        assert found.text == f"{said} or here <https://x.test/{n}>\n"
