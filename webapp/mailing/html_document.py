"""The HTML of a mail as mail programs want it.

CSS: many programs ignore `<style>`, so its rules are written into each element. And a whole document: with
a DOCTYPE, without which programs render in quirks mode; the subject as its title, which screen readers
announce; and what phones and dark mode need to know."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import css_inline

HAS_STYLE = re.compile(r"<style[\s>]", re.I)

DOCTYPE = re.compile(r"\s*<!doctype\b", re.I)
HTML = re.compile(r"<html(?:\s[^>]*)?>", re.I)
HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.I)
TITLE = re.compile(r"<title[\s>]")
COLOURS = re.compile(r"(?:color|background)[\w-]*\s*[:=]")  # in lower case
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def with_styles(html: str) -> str:
    """The HTML with the rules of its `<style>` in `style` attributes. What cannot be written there (media
    queries) stays. Nothing is loaded from the web. HTML without a `<style>` stays as it is."""
    return _inliner().inline(html) if HAS_STYLE.search(html) else html


@lru_cache
def _inliner() -> css_inline.CSSInliner:
    import css_inline  # only the renderers need it

    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def whole_document(html: str, subject: str, language: str = "") -> str:
    """The HTML as a whole document; what its template says itself stays as it is. `language`: that of the
    text, if it is known."""
    lang, said = _lang(language), html.lower()
    begun = HTML.search(html) if "<html" in said else None  # 20 times as fast as the search
    if begun is None:
        head = _missing(said, subject)
        return f"<!DOCTYPE html>\n<html{lang}>\n<head>{head}</head>\n<body>\n{html}\n</body>\n</html>"
    if lang and "lang=" not in begun[0].lower():
        html = f"{html[: begun.start()]}{begun[0][:-1]}{lang}>{html[begun.end() :]}"
    head_begun = HEAD.search(html)
    if head_begun is not None:
        at, head = head_begun.end(), _missing(said, subject)
    else:
        begun = HTML.search(html)
        assert begun is not None
        at, head = begun.end(), f"<head>{_missing(said, subject)}</head>"
    html = html[:at] + head + html[at:]
    return html if DOCTYPE.match(html) else f"<!DOCTYPE html>\n{html}"


@lru_cache
def _lang(language: str) -> str:
    """The attribute that names this language; nothing for what names none."""
    tag = language.replace("_", "-")
    return f' lang="{tag}"' if LANGUAGE.fullmatch(tag) else ""


def _missing(said: str, subject: str) -> str:
    """What the head has to say and the HTML, given in lower case, does not say yet.

    A mail that sets colours is shown as it is: in dark mode its black text would stand on black."""
    sets_colours = ("color" in said or "background" in said) and COLOURS.search(said)
    scheme = "light" if sets_colours else "light dark"
    lines = [
        ("charset=", '<meta charset="utf-8">'),
        ("viewport", VIEWPORT),
        ("color-scheme", f'<meta name="color-scheme" content="{scheme}">'),
        ("color-scheme", f'<meta name="supported-color-schemes" content="{scheme}">'),
    ]
    found = [line for word, line in lines if word not in said]
    if not ("<title" in said and TITLE.search(said)):
        found.append(f"<title>{escape(subject, quote=False)}</title>")
    return "".join(found)
