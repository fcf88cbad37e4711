"""Message definitions: the list, the form, what became of it version by version."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any, cast

from flask import Blueprint, Flask, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.definitions import editing, queries
from webapp.definitions.editing import fingerprint
from webapp.definitions.forms import DefinitionForm
from webapp.definitions.part_pages import part_pages
from webapp.definitions.preview_pages import Bench, bench, content_filled_in, definition_form, tries
from webapp.definitions.template_pages import template_pages
from webapp.definitions.versions import Fields, content_of, content_with, fields_of, template_value
from webapp.errors import Refused
from webapp.store.db import db
from webapp.store.definitions import Content, MessageDefinition, MessageTemplate
from webapp.web import form_posts
from webapp.web.access_control import MAY_NOT, viewer
from webapp.web.formats import plural
from webapp.web.query_args import ids_in

definitions = Blueprint("definitions", __name__)


def init_app(app: Flask) -> None:
    """Registers every page of this room."""
    for blueprint in (definitions, template_pages, part_pages, tries):
        app.register_blueprint(blueprint)


@definitions.get("/definitions")
def index() -> ResponseReturnValue:
    """The definitions in use, or those that are retired."""
    retired = request.args.get("show") == "retired"
    return render_template(
        "definitions/index.html", lines=queries.lines(db.session, retired=retired), retired=retired
    )


@definitions.get("/definitions/new")
def new() -> ResponseReturnValue:
    """An empty form; with the template that the address names."""
    if not viewer().may_send:
        abort(403, MAY_NOT)
    form = definition_form(db.session, None, template=request.args.get("template", type=int))
    return _form(db.session, form, None)


@definitions.get("/definitions/<int:definition_id>")
def show(definition_id: int) -> ResponseReturnValue:
    """The form with what is stored, and its mail beside it."""
    definition = _definition(db.session, definition_id)
    fields = fields_of(db.session, definition)
    form = definition_form(db.session, None, **_as_data(fields))
    return _form(db.session, form, definition, seen=fingerprint(fields))


def _as_data(fields: Fields) -> dict[str, Any]:
    """The fields, under the names that the form has for them."""
    stored = asdict(fields)
    named = {"sender": "sender_id", "recipient_key": "recipient_key_id", "template": "template_id"}
    return {
        **stored,
        **{name: stored[key] for name, key in named.items()},
        "bcc": ", ".join(fields.bcc),
        "transformations": list(fields.transformations),
    }


@definitions.post("/definitions")
def create() -> ResponseReturnValue:
    """Stores a new definition."""
    return _save(None)


@definitions.post("/definitions/<int:definition_id>")
def change(definition_id: int) -> ResponseReturnValue:
    """Stores what was changed, as a new version."""
    return _save(definition_id)


def _save(definition_id: int | None) -> ResponseReturnValue:
    """What fails for a sample invoice is asked about first: it would fail for customers."""
    seen = request.form.get("seen", "")
    definition = _definition(db.session, definition_id) if definition_id is not None else None
    form = definition_form(db.session, request.form)
    content = content_filled_in(db.session, form)
    if content is None:
        return _form(db.session, form, definition, seen=seen, status=422)
    tried = bench(db.session, content, request.form)
    if tried.troubles and not request.form.get("anyway"):
        return _form(db.session, form, definition, seen=seen, tried=tried, asks=True, status=422)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        if definition_id is None:
            made = editing.create(session, viewer(), form.fields())
            return f"/definitions/{made.id}", f"Saved. “{made.name}” can be used for runs."
        changed = editing.change(session, viewer(), _definition(session, definition_id), form.fields(), seen)
        return (
            f"/definitions/{definition_id}",
            "Saved. Runs that exist keep their copy." if changed else "Nothing has changed.",
        )

    try:
        return form_posts.apply_once(effect)
    except Refused as refusal:
        definition = _definition(db.session, definition_id) if definition_id is not None else None
        return _form(db.session, form, definition, seen=seen, refused=str(refusal), status=422)


def _form(
    session: Session,
    form: DefinitionForm,
    definition: MessageDefinition | None,
    *,
    seen: str = "",
    tried: Bench | None = None,
    asks: bool = False,
    refused: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """`asks`: the mail cannot be made for some samples, and whether to save all the same is the question."""
    key = form.recipient_key.data or next(iter(form.recipient_key.choices or []), (None,))[0]
    page = render_template(
        "definitions/definition.html",
        form=form,
        definition=definition,
        seen=seen,
        bench=tried or bench(session, _content(session, form, definition), request.form or request.args),
        asks=asks,
        refused=refused,
        runs=editing.runs_of(session, definition.id) if definition else 0,
        reach=queries.reach(session, viewer(), key) if key else None,
        passwords=queries.passwords(session, viewer(), form.password_key.data or ""),
        metadata_keys=queries.metadata_keys(session, viewer()),
        mail_url="/definitions/mail",
        wrong="",
    )
    return make_response(page, status)


def _content(session: Session, form: DefinitionForm, definition: MessageDefinition | None) -> Content | None:
    """What is tried: what is stored, until something was filled in."""
    if request.method == "GET":
        return content_of(session, definition) if definition else None
    if any(field.errors for field in form):
        return None
    template = session.get_one(MessageTemplate, form.template.data)
    return content_with(session, form.fields(), template_value(template))


@definitions.post("/definitions/<int:definition_id>/copy")
def copy(definition_id: int) -> ResponseReturnValue:
    """The same once more, under another name."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        made = editing.copy(session, viewer(), _definition(session, definition_id))
        return f"/definitions/{made.id}", f"This is a copy. Its name is “{made.name}”."

    return _pressed(definition_id, effect)


@definitions.post("/definitions/<int:definition_id>/retirement")
def retire(definition_id: int) -> ResponseReturnValue:
    """No new runs with it."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        editing.retire(session, viewer(), _definition(session, definition_id))
        return f"/definitions/{definition_id}", "Retired. It makes no new runs; runs that exist go on."

    return _pressed(definition_id, effect)


@definitions.post("/definitions/<int:definition_id>/retirement/end")
def use_again(definition_id: int) -> ResponseReturnValue:
    """New runs with it again."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        editing.retire(session, viewer(), _definition(session, definition_id), back=True)
        return f"/definitions/{definition_id}", "In use again."

    return _pressed(definition_id, effect)


@definitions.post("/definitions/<int:definition_id>/delete")
def delete(definition_id: int) -> ResponseReturnValue:
    """Deletes one that no run was made with."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        definition = _definition(session, definition_id)
        editing.remove(session, viewer(), definition)
        return "/definitions", f"“{definition.name}” is deleted."

    return _pressed(definition_id, effect)


def _pressed(definition_id: int, effect: Any) -> ResponseReturnValue:
    try:
        return form_posts.apply_once(effect)
    except Refused as refusal:
        return form_posts.refuse(str(refusal), f"/definitions/{definition_id}")


@definitions.get("/definitions/<int:definition_id>/versions")
def versions(definition_id: int) -> ResponseReturnValue:
    """Every version, the newest first, each with what it changed."""
    definition = _definition(db.session, definition_id)
    stored = queries.versions(db.session, definition_id)
    contents = [cast(Content, version.content) for version in stored]
    changes = [queries.differences(old, new) for new, old in pairwise(contents)]
    now = queries.differences(contents[0], content_of(db.session, definition)) if contents else []
    return render_template(
        "definitions/versions.html",
        definition=definition,
        versions=list(zip(stored, [*changes, None], strict=True)) if stored else [],
        unsaved=now,
    )


@definitions.get("/definitions/reach")
def reach() -> ResponseReturnValue:
    """How many customers have an address with the recipient key that is chosen."""
    key = ids_in([request.args.get("recipient_key", "")])
    having, of = queries.reach(db.session, viewer(), key[0]) if key else (0, 0)
    return f"{having:,} of {plural(of, 'customer')} have it"


@definitions.get("/definitions/passwords")
def passwords() -> ResponseReturnValue:
    """How many customers have a password in the field that is named."""
    found = queries.passwords(db.session, viewer(), request.args.get("password_key", "").strip())
    return render_template("definitions/_passwords.html", passwords=found)


def _definition(session: Session, definition_id: int) -> MessageDefinition:
    return session.get(MessageDefinition, definition_id) or abort(404)
