"""Parts that templates include. What would keep mails from being built needs a confirmation before it is
stored."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.definitions import queries, templates
from webapp.definitions.versions import content_with, fields_of, template_value
from webapp.extensions import runtime
from webapp.mailing.template_references import parts_in
from webapp.mailing.template_syntax import syntax_problem
from webapp.messages import samples
from webapp.messages.building import to_render
from webapp.store.db import db
from webapp.store.definitions import Content, MessageDefinition
from webapp.translation import _
from webapp.web import confirmations, form_posts
from webapp.web.access_control import viewer
from webapp.web.view_flags import allow_editors

part_pages = Blueprint("part_pages", __name__)

Texts = Mapping[str, Mapping[str, str]]
"""Name of a part → language → source."""
PART_CHECK_TIME_LIMIT = 8.0
"""Seconds for trying all definitions that use a part with it."""


@part_pages.post("/templates/parts")
@allow_editors
def save_part() -> ResponseReturnValue:
    """Store a part in one language; without a text, delete it. Asks first if mails could not be built with
    it, or if another person has changed it meanwhile."""
    name, language = request.form.get("name", "").strip(), request.form.get("language", "").strip()
    source = request.form.get("source", "").replace("\r\n", "\n")
    if not request.form.get("anyway"):
        stored = queries.parts(db.session)
        doubts = list(_changed_meanwhile(stored.get(name, {}).get(language)))
        if source.strip():
            texts = {**stored, name: {**stored.get(name, {}), language: source}}
            doubts += _doubts(texts, name, source)
        if doubts:
            shown = {"name": name, "language": language, "source": source}
            return confirmations.ask("templates/confirm_part.html", doubts=doubts, back="/templates", **shown)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        texts = dict(queries.parts(session).get(name, {}))
        if source.strip():
            texts[language] = source
        else:
            texts.pop(language, None)
        if not texts:
            templates.remove_part(session, viewer(), name)
            return "/templates", "Deleted."
        templates.save_part(session, viewer(), name, texts)
        return "/templates", _('Saved. To include it in a template: {%% include "%(name)s" %%}.', name=name)

    return form_posts.apply_once(effect, back="/templates")


@part_pages.post("/templates/parts/<name>/delete")
@allow_editors
def delete_part(name: str) -> ResponseReturnValue:
    """Delete a part that no template includes."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        templates.remove_part(session, viewer(), name)
        return "/templates", _("“%(name)s” is deleted.", name=name)

    return form_posts.apply_once(effect, back="/templates")


def seen_as(source: str | None) -> str:
    """What a form records about the text that it was made on."""
    return hashlib.sha256((source or "").encode()).hexdigest()[:16]


def _changed_meanwhile(stored: str | None) -> Iterator[str]:
    if request.form.get("seen", seen_as(stored)) != seen_as(stored):
        yield _(
            "Another person has saved a different text since you opened the page: %(text)s",
            text=stored or _("none"),
        )


def _doubts(texts: Texts, name: str, source: str) -> Iterator[str]:
    """What speaks against storing the part, in words."""
    if problem := syntax_problem(source):
        yield str(problem)
        return
    if name in _reached(texts, source):
        yield _("It includes itself.")
        return
    yield from _troubles_in_definitions(texts, name)


def _reached(texts: Texts, source: str) -> set[str]:
    """The parts that this source includes, and those that these include."""
    reached: set[str] = set()
    waiting = parts_in(source)
    while waiting:
        reached |= waiting
        sources = (each for name in waiting for each in texts.get(name, {}).values())
        waiting = set().union(*map(parts_in, sources)) - reached
    return reached


def _troubles_in_definitions(texts: Texts, name: str) -> Iterator[str]:
    """The mistakes of this part in the mails of the definitions that use it, as far as there is time to try
    them."""
    until = time.monotonic() + PART_CHECK_TIME_LIMIT
    definitions = db.session.scalars(select(MessageDefinition).order_by(MessageDefinition.name))
    contents = [
        content_with(
            db.session, fields_of(db.session, definition), template_value(definition.template), texts
        )
        for definition in definitions
    ]
    for content in contents:
        if name in content.get("parts", {}) and time.monotonic() < until:
            yield from _troubles(content, name)


def _troubles(content: Content, name: str) -> Iterator[str]:
    """The mistakes of this part in the mails of one definition. Ends the read session."""
    tried = [
        (sample, samples.input_of(db.session, content, sample))
        for sample in samples.samples(db.session, viewer(), content)
    ]
    if not tried:
        return
    db.end_reading()
    renderer = runtime().renderer
    first = renderer.render(to_render(tried[0][1]))
    for trouble in samples.troubles(tried, first, renderer):
        if trouble.found.where in (
            f"part {name}",
            "",
        ):  # a template that runs away is reported without a place
            yield f"{trouble.found.words} ({content['name']}, {trouble.sample.number})"
