"""Templates to text: sandboxed, strict about undefined names, with errors as values.

Jinja's sandbox keeps a template from reaching into the program, not from taking all its memory or never
ending. So this runs in a child process with limits (renderer.py), never in one that has anything to lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from webapp.mailing.addresses import LINE_BREAKS
from webapp.mailing.plain_text import Unmarkable, mark, plain_text, plain_text_of_marked, unmarked

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
        body, text = _body(message, names)
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


@lru_cache(maxsize=256)
def _compiled(source: str, escapes: bool) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escapes)
    return environment.from_string(source)


@lru_cache(maxsize=256)
def _marking(source: str) -> Template | None:
    """The template of an HTML body, with marks around its values; None if what it puts out may go through its
    own hands again, where marks would be in the way."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True, finalize=mark)
    tree = environment.parse(source)
    return None if any(tree.find_all(HANDLED_AGAIN)) else environment.from_string(source)


HANDLED_AGAIN = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.AssignBlock,
    nodes.Block,
    nodes.Include,
)


def _body(message: MessageText, names: Mapping[str, Any]) -> tuple[str, str]:
    """The body and its text alternative."""
    if not message.is_html:
        body = _compiled(message.body, False).render(names)
        return body, body
    template = _marking(message.body)
    if template is not None:
        try:
            marked = template.render(names)
        except Unmarkable:
            pass
        else:
            return unmarked(marked), plain_text_of_marked(marked) if len(marked) <= LONGEST else ""
    body = _compiled(message.body, True).render(names)
    return body, plain_text(body) if len(body) <= LONGEST else ""


def _line_of(error: BaseException) -> int | str:
    """The line of the template that was being rendered: Jinja puts it into the traceback."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
