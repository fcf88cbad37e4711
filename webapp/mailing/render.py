"""Templates to text: sandboxed, strict about undefined names, with errors as values.

Jinja's sandbox keeps a template from reaching into the program, not from taking all its memory or never
ending. So this runs in a child process with limits (renderer.py), never in one that has anything to lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from webapp.mailing.addresses import LINE_BREAKS

LONGEST = 2_000_000
"""Characters of a body. A mail's text that is longer is a template's mistake."""


@dataclass(frozen=True)
class MessageText:
    """The templates of one message, in the language of its customer."""

    subject: str
    body: str
    is_html: bool


@dataclass(frozen=True)
class Rendered:
    """What the customer reads. `html` is None for a message in plain text."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True)
class Unrenderable:
    """Why no message can be made of the template, with the line where it is known."""

    words: str


def render(message: MessageText, names: Mapping[str, Any]) -> Rendered | Unrenderable:
    """Fills the templates with plain data. The text alternative of an HTML body is made from it."""
    part = "subject"
    try:
        subject = _compiled(message.subject, False).render(names).strip()
        part = "template"
        body = _compiled(message.body, message.is_html).render(names)
        text = plain_text(body) if message.is_html and len(body) <= LONGEST else body
    except TemplateSyntaxError as error:
        return Unrenderable(f"{part}, line {error.lineno}: {error.message}")
    except MemoryError:
        return Unrenderable(f"{part}: it takes more memory than a mail may have")
    except Exception as error:  # a template may raise anything; it costs its own message, and is told
        return Unrenderable(f"{part}, line {_line_of(error)}: {str(error) or type(error).__name__}")
    if max(len(body), len(subject)) > LONGEST:
        return Unrenderable(f"{part}: it makes more than {LONGEST:,} characters")
    if not subject:
        return Unrenderable("the subject is empty")
    if LINE_BREAKS.search(subject):
        return Unrenderable("the subject has a line break, which would end the header")
    return Rendered(subject, text, body if message.is_html else None)


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The template in the customer's language ("nl-BE", then "nl"), else in the one for everybody, else
    any."""
    for wanted in (language, language.partition("-")[0], ""):
        if wanted in texts:
            return texts[wanted]
    return next(iter(texts.values()))


def plain_text(html: str) -> str:
    """The text alternative: what the HTML says, tables and links included."""
    config = ParserConfig(css=CSS_PROFILES["strict"].copy(), display_links=False)
    return get_text(html, config).strip() + "\n"


@lru_cache(maxsize=256)
def _compiled(source: str, escapes: bool) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escapes)
    return environment.from_string(source)


def _line_of(error: BaseException) -> int | str:
    """The line of the template that was being rendered: Jinja puts it into the traceback."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
