"""Nothing of one customer's mail is in the next, whatever was rendered before in the same process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.mailing.one_after_the_other import NAMES, languages
from webapp.mailing.render import render
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.texts import MessageText, Rendered

ROOT = Path(__file__).parents[2]


def test_a1_every_language_is_written_the_same_after_every_other() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.mailing.one_after_the_other"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=170,
    ).stdout  # fmt: skip
    found = json.loads(told)
    assert found["wrong"] == []
    assert found["right"].keys() == set(languages())
    assert len(found["right"]) == 101
    assert "oktober 2026" in found["right"]["nl"]
    assert len(set(found["right"].values())) > 80  # the filters do follow the language


def test_a1_the_months_of_a_japanese_mail_are_not_in_a_dutch_one(renderer: Renderer) -> None:
    batch = [
        ToRender(MessageText("{{ day|month }}", "x", False, language=language), NAMES)
        for language in ("ja", "nl", "de", "he", "nl-BE", "fr")
    ]
    assert [made.subject for made in renderer.render_all(batch) if isinstance(made, Rendered)] == [
        "10月 2026", "oktober 2026", "Oktober 2026", "אוקטובר 2026", "oktober 2026", "octobre 2026",
    ]  # fmt: skip


KEEPING = (
    "{% set kept = namespace(count=0, name='') %}"
    "{% macro greet(name) %}{{ kept.name }}{{ kept.count }}"
    "{% set kept.count = kept.count + 1 %}{% set kept.name = name %}{% endmacro %}"
    "{% set turn = cycler('first', 'second') %}{% macro next() %}{{ turn.next() }}{% endmacro %}"
)


def test_a1_a_part_that_is_imported_keeps_nothing_of_the_mail_before() -> None:
    bodies = (
        "{% import 'kept' as part %}{{ part.greet(name) }} {{ part.next() }}",
        "{% from 'kept' import greet, next %}{{ greet(name) }} {{ next() }}",
    )
    for body in bodies:
        for name in ("Müller", "Smith", "Jansen"):
            made = render(MessageText("s", body, False, parts=(("kept", KEEPING),)), {"name": name})
            assert isinstance(made, Rendered)
            assert made.text == "0 first"
