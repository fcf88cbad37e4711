"""Message definitions: the list, the form, the versions."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any, cast

from flask import Blueprint, Flask, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.definitions import editing, queries
from webapp.definitions.differences import differences
from webapp.definitions.editing import fingerprint
from webapp.definitions.forms import DefinitionForm, content_filled_in, definition_form
from webapp.definitions.part_pages import part_pages
from webapp.definitions.picture_pages import picture_pages
from webapp.definitions.preview_pages import (
    MailPreview,
    preview_mail,
    tries,
)
from webapp.definitions.template_pages import template_pages
from webapp.definitions.templates import languages
from webapp.definitions.versions import Fields, content_of, content_with, fields_of, template_value
from webapp.store.db import db
from webapp.store.definitions import Content, MessageDefinition, MessageTemplate
from webapp.translation import _, ngettext
from webapp.web import form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.query_args import id_in
from webapp.web.view_flags import allow_editors

definitions = Blueprint("definitions", __name__)


def init_app(app: Flask) -> None:
    """Register every page of this room, and what their templates call."""
    app.add_template_global(languages, "all_languages")
    for blueprint in (definitions, template_pages, picture_pages, part_pages, tries):
        app.register_blueprint(blueprint)


@definitions.get("/definitions")
def index() -> ResponseReturnValue:
    """The definitions in use, or the retired ones."""
    retired = request.args.get("show") == "retired"
    return render_template(
        "definitions/index.html", lines=queries.lines(db.session, retired=retired), retired=retired
    )


@definitions.get("/definitions/new")
def new() -> ResponseReturnValue:
    """An empty form, with the template that the address names."""
    refuse_unless(viewer().may_edit)
    return _form(definition_form(None, template=request.args.get("template", type=int)), None)


@definitions.get("/definitions/<int:definition_id>")
def show(definition_id: int) -> ResponseReturnValue:
    """The form with what is stored, and its mail beside it."""
    definition = _definition(definition_id)
    fields = fields_of(db.session, definition)
    return _form(definition_form(None, **_as_data(fields)), definition, seen=fingerprint(fields))


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
@allow_editors
def create() -> ResponseReturnValue:
    """Store a new definition."""
    return _save(None)


@definitions.post("/definitions/<int:definition_id>")
@allow_editors
def change(definition_id: int) -> ResponseReturnValue:
    """Store the changes as a new version."""
    return _save(definition_id)


def _save(definition_id: int | None) -> ResponseReturnValue:
    """What fails for a sample invoice needs a confirmation first: it would fail for customers."""
    seen = request.form.get("seen", "")
    definition = _definition(definition_id) if definition_id is not None else None
    form = definition_form(request.form)
    content = content_filled_in(form)
    if content is None:
        return _form(form, definition, seen=seen, status=422)
    tried = preview_mail(content, request.form)
    if tried.troubles and not request.form.get("anyway"):
        return _form(form, definition, seen=seen, tried=tried, asks=True, status=422)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        if definition_id is None:
            created = editing.create(session, viewer(), form.fields())
            return f"/definitions/{created.id}", _(
                "Saved. “%(name)s” can be used for runs.", name=created.name
            )
        changed = editing.change(session, viewer(), _definition(definition_id), form.fields(), seen)
        message = _("Saved. Existing runs keep their copy.") if changed else _("Nothing has changed.")
        return f"/definitions/{definition_id}", message

    def refused(reason: str) -> ResponseReturnValue:
        stored = _definition(definition_id) if definition_id is not None else None
        return _form(form, stored, seen=seen, refused=reason, status=422)

    return form_posts.apply_once(effect, on_refusal=refused)


def _form(
    form: DefinitionForm,
    definition: MessageDefinition | None,
    *,
    seen: str = "",
    tried: MailPreview | None = None,
    asks: bool = False,
    refused: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """`asks`: the mail cannot be built for some samples; the page asks whether to save anyway."""
    first_key = (form.recipient_key.choices or [(None, "")])[0]
    key = form.recipient_key.data or first_key[0]
    shown = tried or preview_mail(_content(form, definition), request.form or request.args)
    page = render_template(
        "definitions/definition.html",
        form=form,
        definition=definition,
        seen=seen,
        bench=shown,
        asks=asks,
        refused=refused,
        runs=editing.runs_of(db.session, definition.id) if definition else 0,
        reach=queries.reach(db.session, viewer(), key) if key else None,
        passwords=queries.passwords(db.session, viewer(), form.password_key.data or ""),
        metadata_keys=queries.metadata_keys(db.session, viewer()),
        mail_url="/definitions/mail",
        wrong="",
    )
    return make_response(page, status)


def _content(form: DefinitionForm, definition: MessageDefinition | None) -> Content | None:
    """What the preview shows: the definition as stored, until something is filled in."""
    if request.method == "GET":
        return content_of(db.session, definition) if definition else None
    if any(field.errors for field in form):
        return None
    template = db.session.get_one(MessageTemplate, form.template.data)
    return content_with(db.session, form.fields(), template_value(template))


@definitions.post("/definitions/<int:definition_id>/copy")
@allow_editors
def copy(definition_id: int) -> ResponseReturnValue:
    """The same under another name."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        created = editing.copy(session, viewer(), _definition(definition_id))
        return f"/definitions/{created.id}", _("This is a copy. Its name is “%(name)s”.", name=created.name)

    return form_posts.apply_once(effect, back=f"/definitions/{definition_id}")


@definitions.post("/definitions/<int:definition_id>/retirement")
@allow_editors
def retire(definition_id: int) -> ResponseReturnValue:
    """No new runs with it."""
    page = f"/definitions/{definition_id}"

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        editing.retire(session, viewer(), _definition(definition_id))
        held = editing.held_without(session, viewer(), definition_id)
        return page, f"{_('Retired. No new runs can use it; existing runs continue.')} {held}".strip()

    return form_posts.apply_once(effect, back=page)


@definitions.post("/definitions/<int:definition_id>/retirement/end")
@allow_editors
def use_again(definition_id: int) -> ResponseReturnValue:
    """Allow new runs with it again."""
    page = f"/definitions/{definition_id}"

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        editing.retire(session, viewer(), _definition(definition_id), back=True)
        return page, _("In use again.")

    return form_posts.apply_once(effect, back=page)


@definitions.post("/definitions/<int:definition_id>/delete")
@allow_editors
def delete(definition_id: int) -> ResponseReturnValue:
    """Delete a definition that no run was created with."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        definition = _definition(definition_id)
        editing.remove(session, viewer(), definition)
        return "/definitions", _("“%(name)s” is deleted.", name=definition.name)

    return form_posts.apply_once(effect, back=f"/definitions/{definition_id}")


@definitions.get("/definitions/<int:definition_id>/versions")
def versions(definition_id: int) -> ResponseReturnValue:
    """Every version, the newest first, each with what it changed."""
    definition = _definition(definition_id)
    stored = queries.versions(db.session, definition_id)
    contents = [cast(Content, version.content) for version in stored]
    changes = [differences(old, new) for new, old in pairwise(contents)]
    unsaved = differences(contents[0], content_of(db.session, definition)) if contents else []
    return render_template(
        "definitions/versions.html",
        definition=definition,
        versions=list(zip(stored, [*changes, None], strict=True)) if stored else [],
        unsaved=unsaved,
        changes=audit.latest(db.session, definition.name, audit.OF_DEFINITIONS),
        changes_of=definition.name,
    )


@definitions.get("/definitions/reach")
def reach() -> ResponseReturnValue:
    """How many customers have an address with the chosen recipient key."""
    key = id_in(request.args.get("recipient_key", ""))
    having, of = (0, 0) if key is None else queries.reach(db.session, viewer(), key)
    return ngettext(
        "%(some)s of %(num)s customer have it",
        "%(some)s of %(num)s customers have it",
        of,
        some=notation.number(having),
    )


@definitions.get("/definitions/passwords")
def passwords() -> ResponseReturnValue:
    """How many customers have a password in the named field."""
    found = queries.passwords(db.session, viewer(), request.args.get("password_key", "").strip())
    return render_template("definitions/_passwords.html", passwords=found)


def _definition(definition_id: int) -> MessageDefinition:
    """The definition in the address. Ends the request with 404 if there is none."""
    return db.session.get(MessageDefinition, definition_id) or abort(404)
