"""The HTML part is a whole document, whatever the template says of it itself."""

from __future__ import annotations

import pytest

from webapp.mailing.html_document import whole_document


def test_d2_a_fragment_becomes_a_document() -> None:
    made = whole_document("<p>Hello</p>", "Invoice <7> & more", "nl-BE")
    assert made.startswith('<!DOCTYPE html>\n<html lang="nl-BE">\n<head><meta charset="utf-8">')
    assert "<title>Invoice &lt;7&gt; &amp; more</title>" in made
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in made
    assert '<meta name="color-scheme" content="light dark">' in made
    assert made.endswith("<body>\n<p>Hello</p>\n</body>\n</html>")


@pytest.mark.parametrize("html", ["<p style='color: #000'>x</p>", "<td bgcolor=white>x</td>"])
def test_d2_a_mail_with_colours_of_its_own_stays_light(html: str) -> None:
    assert '<meta name="color-scheme" content="light">' in whole_document(html, "s")


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<html><body>x</body></html>", "<!DOCTYPE html>\n<html lang=\"de\"><head>"),
        ("<html lang='fr'><head></head>x</html>", "<!DOCTYPE html>\n<html lang='fr'><head><meta"),
        ("<!doctype html><html><head><title>Own</title></head>x</html>", "<!doctype html><html lang=\"de\">"),
    ],
)  # fmt: skip
def test_d2_what_a_template_says_itself_stays(html: str, wanted: str) -> None:
    made = whole_document(html, "Subject", "de")
    assert made.startswith(wanted)
    assert made.lower().count("<!doctype") == made.count("<html") == made.count("<head>") == 1
    assert made.count("<title>") == 1
    assert ("Own" in made) != ("Subject" in made)
    assert whole_document(made, "Another", "de") == made  # nothing is missing any more


def test_d2_no_language_is_made_up() -> None:
    assert "lang" not in whole_document("<p>x</p>", "s", "")
    assert "lang" not in whole_document("<p>x</p>", "s", '"><script>')
