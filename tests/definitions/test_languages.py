"""The languages of a template (E8)."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.definitions.templates import language_code, languages


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
