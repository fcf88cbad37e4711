"""Templates to text: sandboxed, strict about undefined names, with errors as values.

Jinja's sandbox keeps a template from reaching into the program, but not from using all memory or running
forever. So this runs in a child process with limits (renderer.py), never in one that has anything to lose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import FunctionLoader, Template, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from webapp.mailing.html_document import with_styles
from webapp.mailing.locale_filters import filters_for
from webapp.mailing.plain_text import Unmarkable, mark, plain_text, plain_text_of_marked, unmarked
from webapp.mailing.texts import MessageText, Parts, Rendered, Unrenderable
from webapp.mailing.undefined import Undefined, seeing
from webapp.printable import LINE_BREAKS
from webapp.translation import N_

TEXT_MAX = 2_000_000
"""Characters of a body. A longer text is a mistake in the template."""

SUBJECT, BODY, PLAIN, FILE_NAME = N_("subject"), N_("template"), N_("text version"), N_("file names")


def render(
    message: MessageText, names: Mapping[str, Any], files: Sequence[Mapping[str, Any]] = ()
) -> Rendered | Unrenderable:
    """Fill the templates with plain data. The text alternative of an HTML body is made from it, unless it has
    a template of its own. `files`: further names for the template of file names, file by file."""
    where = SUBJECT
    try:
        with seeing(names):
            subject = _compiled(message.subject, False, message.parts, message.language).render(names).strip()
            where = BODY
            body, text = _body(message, names)
            if message.is_html and message.plain:
                where = PLAIN
                text = _compiled(message.plain, False, message.parts, message.language).render(names)
            where = FILE_NAME
            file_names = _file_names(message, names, files)
    except TemplateSyntaxError as error:
        return Unrenderable(
            error.message or N_("it cannot be read"), _place(error.filename, where), error.lineno
        )
    except TemplateNotFound as error:
        return Unrenderable(
            N_("there is no part “%(name)s” to include") % {"name": error.name}, *_place_of(error, where)
        )
    except MemoryError:
        return Unrenderable(N_("it takes more memory than a mail may have"), where)
    except Exception as error:  # a template may raise anything; it costs its own message, and is told
        return Unrenderable(str(error) or type(error).__name__, *_place_of(error, where))
    if max(len(body), len(text), len(subject)) > TEXT_MAX:
        return Unrenderable(N_("it makes more than %(max)s characters") % {"max": f"{TEXT_MAX:,}"}, where)
    if not subject:
        return Unrenderable(N_("the subject is empty"))
    if LINE_BREAKS.search(subject):
        return Unrenderable(N_("the subject has a line break, which would end the header"))
    return Rendered(subject, text, with_styles(body) if message.is_html else None, file_names)


def _file_names(
    message: MessageText, names: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    if not message.file_name:
        return ()
    template = _compiled(message.file_name, False, message.parts, message.language)
    made = []
    for file in files:
        with seeing({**names, **file}):
            name = template.render({**names, **file}).strip()
        if not name or len(name) > LONGEST_FILE_NAME:
            raise ValueError(N_("it makes no name") if not name else N_("it makes a name that is too long"))
        if LINE_BREAKS.search(name):
            raise ValueError(N_("the name has a line break, which would end the header"))
        made.append(name)
    return tuple(made)


LONGEST_FILE_NAME = 1_000


@lru_cache(maxsize=256)
def _compiled(source: str, escapes: bool, parts: Parts, language: str) -> Template:
    return _ready(_environment(escapes, parts, language, None).from_string(source))


@lru_cache(maxsize=256)
def _marking(source: str, parts: Parts, language: str) -> Template | None:
    """The template of an HTML body with marks around its values. None if its output, or that of a part, may
    be processed again by the template, where marks would be in the way; and if one of them cannot be read."""
    environment = _environment(True, parts, language, mark)
    try:
        trees = [environment.parse(text) for text in (source, *(part for _, part in parts))]
    except TemplateSyntaxError:
        return None
    if any(next(tree.find_all(HANDLED_AGAIN), None) is not None for tree in trees):
        return None
    return _ready(environment.from_string(source))


def _ready(template: Template) -> Template:
    """The template with all global names in one dict: building it each time takes longer than many a
    template."""
    template.globals = dict(template.globals)
    return template


HANDLED_AGAIN = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.AssignBlock,
    nodes.Block,
    nodes.Extends,
    nodes.Import,
    nodes.FromImport,
)


class MailTemplate(Template):
    """A compiled template that keeps nothing of a mail."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        """Run an imported part for every mail. Jinja keeps it from the first on, and with it each `namespace`
        and `cycler` that the part has: one customer's values would be in the next customer's mail."""
        self._module = None
        return super()._get_default_module(ctx)


class MailEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox in which the templates of mails run: they can change no value that they are given."""

    template_class = MailTemplate


@lru_cache(maxsize=256)
def _environment(
    escapes: bool, parts: Parts, language: str, finalize: Callable[[Any], Any] | None
) -> MailEnvironment:
    sources = dict(parts)

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (sources[name], f"{PART}{name}", lambda: True) if name in sources else None

    environment = MailEnvironment(
        undefined=Undefined, autoescape=escapes, finalize=finalize, loader=FunctionLoader(load)
    )
    environment.filters.update(filters_for(language))
    return environment


PART = "part "
PART_NAMED = N_("part %(part)s")
"""The prefix of a part's name in a traceback."""


def _body(message: MessageText, names: Mapping[str, Any]) -> tuple[str, str]:
    """The body and its text alternative."""
    parts, language = message.parts, message.language
    if not message.is_html:
        body = _compiled(message.body, False, parts, language).render(names)
        return body, body
    if message.plain:
        return _compiled(message.body, True, parts, language).render(names), ""
    template = _marking(message.body, parts, language)
    if template is not None:
        try:
            marked = template.render(names)
        except Unmarkable:
            pass
        else:
            return unmarked(marked), plain_text_of_marked(marked) if len(marked) <= TEXT_MAX else ""
    body = _compiled(message.body, True, parts, language).render(names)
    return body, plain_text(body) if len(body) <= TEXT_MAX else ""


def _place_of(error: BaseException, where: str) -> tuple[str, int | None]:
    """The template that was being rendered, and its line, from the traceback."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file == "<template>" or file.startswith(PART):
            where, line = _place(file, where), trace.tb_lineno
        trace = trace.tb_next
    return where, line


def _place(file: str | None, where: str) -> str:
    return file if file and file.startswith(PART) else where
