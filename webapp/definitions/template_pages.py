"""Message templates, one language at a time, with the parts and pictures that they use."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.definitions import pictures, queries, templates
from webapp.definitions.editing import fingerprint
from webapp.definitions.forms import TemplateForm, template_filled_in
from webapp.definitions.language_words import missing_words
from webapp.definitions.part_pages import seen_as
from webapp.definitions.preview_pages import MailPreview, content_of_template, preview_mail
from webapp.definitions.templates import NO_LANGUAGE, with_text
from webapp.definitions.versions import TemplateValue, Text, template_value
from webapp.errors import Refused
from webapp.store.db import db
from webapp.store.definitions import MessageTemplate
from webapp.store.statuses import TemplateFormat
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.view_flags import allow_editors

template_pages = Blueprint("template_pages", __name__)

START = "<p>Dear {{ customer.name }},</p>\n<p>Please find attached your invoice {{ invoice.number }}.</p>\n"


@template_pages.get("/templates")
def index() -> ResponseReturnValue:
    """Everything that mails are written with."""
    parts = {
        name: (
            texts,
            templates.including(db.session, name),
            {each: seen_as(text) for each, text in texts.items()},
        )
        for name, texts in queries.parts(db.session).items()
    }
    shown = [(each, pictures.showing(db.session, each.name)) for each in queries.pictures(db.session)]
    stored = db.session.scalars(select(MessageTemplate)).all()
    return render_template(
        "templates/index.html",
        lines=queries.template_lines(db.session),
        missing={each.id: missing_words(content_of_template(template_value(each), "")) for each in stored},
        parts=parts,
        pictures=shown,
    )


@template_pages.get("/templates/new")
def new() -> ResponseReturnValue:
    """An empty template."""
    _must_edit()
    form = TemplateForm(None, format=TemplateFormat.HTML.value, source=START)
    return _form(form, None, TemplateValue("", TemplateFormat.HTML, {"": Text(START)}), "")


@template_pages.get("/templates/<int:template_id>")
def show(template_id: int) -> ResponseReturnValue:
    """The template in the language that the address names, and its mail beside it. A language that it does
    not have yet starts as a copy of the default."""
    template = _template(template_id)
    value = template_value(template)
    language = request.args.get("language", "" if "" in value.texts else next(iter(value.texts)))
    text = value.texts.get(language) or next(iter(value.texts.values()))
    form = TemplateForm(
        None,
        name=value.name,
        format=value.format,
        language=language,
        subject=text.subject,
        source=text.source,
        plain=text.plain,
    )
    form.languages = value.texts
    if not form.language.validate(form, (TemplateForm.validate_language,)):
        return form_posts.refuse(NO_LANGUAGE, f"/templates/{template_id}")
    return _form(form, template, value, fingerprint(value))


@template_pages.post("/templates")
@allow_editors
def create() -> ResponseReturnValue:
    """Store a new template."""
    return _save(None)


@template_pages.post("/templates/<int:template_id>")
@allow_editors
def change(template_id: int) -> ResponseReturnValue:
    """Store the text in this language; the others stay as they are."""
    return _save(template_id)


def _save(template_id: int | None) -> ResponseReturnValue:
    """What fails for a sample invoice needs a confirmation first: it would fail for customers."""
    form, seen = TemplateForm(request.form), request.form.get("seen", "")
    template = _template(template_id) if template_id is not None else None
    stored = template_value(template) if template else None
    form.languages = stored.texts if stored else ()
    if not form.holds():
        return _form(form, template, stored or TemplateValue("", "html", {}), seen, status=422)
    value = template_filled_in(form, stored)
    tried = _tried(form, value)
    if tried.troubles and not request.form.get("anyway"):
        return _form(form, template, value, seen, tried=tried, asks=True, status=422)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        if template_id is None:
            created = templates.create_template(session, viewer(), value)
            return f"/templates/{created.id}", _(
                "Saved. Choose “%(name)s” in a definition to use it.", name=created.name
            )
        changed = templates.change_template(session, viewer(), _template(template_id), value, seen)
        message = _("Saved. Existing runs keep their copy.") if changed else _("Nothing has changed.")
        return f"/templates/{template_id}?language={form.language.data}", message

    def refused(reason: str) -> ResponseReturnValue:
        stored = _template(template_id) if template_id is not None else None
        return _form(form, stored, value, seen, refused=reason, status=422)

    return form_posts.apply_once(effect, on_refusal=refused)


def _tried(form: TemplateForm, value: TemplateValue) -> MailPreview:
    """The text of this language alone, for every sample: customers of other languages get other texts."""
    text = value.texts.get(form.language.data) or next(iter(value.texts.values()), None)
    if text is None:
        return preview_mail(None, request.form)
    alone = replace(value, texts={form.language.data: text})
    definition_id = request.form.get("definition", "") or request.args.get("definition", "")
    return preview_mail(content_of_template(alone, definition_id), request.form or request.args)


def _form(
    form: TemplateForm,
    template: MessageTemplate | None,
    value: TemplateValue,
    seen: str,
    *,
    tried: MailPreview | None = None,
    asks: bool = False,
    refused: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """`asks`: the mail cannot be built for some samples; the page asks whether to save anyway."""
    if tried is None:
        tried = _tried(form, with_text(value, form.language.data, form.text()))
    page = render_template(
        "templates/template.html",
        form=form,
        template=template,
        value=value,
        missing=missing_words(content_of_template(value, "")),
        seen=seen,
        bench=tried,
        asks=asks,
        refused=refused,
        using=templates.used_by(db.session, template.id) if template else [],
        definitions=queries.lines(db.session, retired=False),
        chosen_definition=request.values.get("definition", type=int),
        parts=list(queries.parts(db.session)),
        pictures=queries.pictures(db.session),
        mail_url="/templates/mail",
        wrong="",
    )
    return make_response(page, status)


@template_pages.post("/templates/<int:template_id>/copy")
@allow_editors
def copy(template_id: int) -> ResponseReturnValue:
    """The same under another name."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        created = templates.copy_template(session, viewer(), _template(template_id))
        return f"/templates/{created.id}", _("This is a copy. Its name is “%(name)s”.", name=created.name)

    return form_posts.apply_once(effect, back=f"/templates/{template_id}")


@template_pages.post("/templates/<int:template_id>/delete")
@allow_editors
def delete(template_id: int) -> ResponseReturnValue:
    """Delete a template that no definition uses."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        template = _template(template_id)
        templates.remove_template(session, viewer(), template)
        return "/templates", _("“%(name)s” is deleted.", name=template.name)

    return form_posts.apply_once(effect, back=f"/templates/{template_id}")


@template_pages.post("/templates/<int:template_id>/languages/delete")
@allow_editors
def delete_language(template_id: int) -> ResponseReturnValue:
    """Delete one language; its customers get the default."""
    language = request.form.get("language", "")

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        template = _template(template_id)
        value = template_value(template)
        if language not in value.texts or len(value.texts) == 1:
            raise Refused(_("A template needs at least one text."))
        left = with_text(value, language, None)
        seen = request.form.get("seen", "")
        templates.change_template(session, viewer(), template, left, seen)
        return f"/templates/{template_id}", _(
            "The %(language)s is deleted.", language=_language_words(language)
        )

    return form_posts.apply_once(effect, back=f"/templates/{template_id}")


def _language_words(language: str) -> str:
    return _("text in “%(language)s”", language=language) if language else _("default text")


def _must_edit() -> None:
    refuse_unless(viewer().may_edit)


def _template(template_id: int) -> MessageTemplate:
    """The template in the address. Ends the request with 404 if there is none."""
    return db.session.get(MessageTemplate, template_id) or abort(404)
