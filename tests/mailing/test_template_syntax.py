"""Templates that keep a parser busy, or break it, cost their own check alone (F3)."""

from __future__ import annotations

import time

import pytest

from webapp.mailing.template_references import parts_in
from webapp.mailing.template_syntax import TOO_COMPLEX, SyntaxProblem, syntax_problem

HOSTILE = {
    "a number of 4,400 digits": "{{ " + "9" * 4_400 + " }}",
    "10,000 brackets": "{{ " + "(" * 10_000 + " }}",
    "390 KB of calls": "{{ a" + "()" * 195_000 + " }}",
    "nested blocks": "{% if 1 %}" * 20_000,
}


@pytest.mark.parametrize("which", HOSTILE)
def test_f3_a_hostile_template_is_told_in_words(which: str) -> None:
    began = time.monotonic()
    assert syntax_problem(HOSTILE[which]) == TOO_COMPLEX
    assert time.monotonic() - began < 30
    assert syntax_problem("{{ 1 }}") is None
    assert parts_in(HOSTILE[which]) == set()


def test_an_error_is_told_with_its_line() -> None:
    assert syntax_problem("one\n{% if %}") == SyntaxProblem(
        "Expected an expression, got 'end of statement block'", 2
    )


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{% include 'regards' %} {%- include \"foot\" -%}", {"regards", "foot"}),
        ("{% include ['a', 'b'] ignore missing %}", {"a", "b"}),
        ("{% from 'macros' import x %}{% import \"m\" as m %}{% extends 'base' %}", {"macros", "m", "base"}),
        ("{# {% include 'no' %} #} include 'neither'", set()),
    ],
)
def test_parts_are_found_without_a_parser(source: str, names: set[str]) -> None:
    assert parts_in(source) == names
