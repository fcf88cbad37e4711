"""A definition or a template as it is being filled in, tried on a sample invoice: what stands beside the
form, the mail in its frame, and a test to oneself. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.audit import note
from webapp.definitions.forms import DefinitionForm, TemplateForm
from webapp.definitions.templates import with_text
from webapp.definitions.versions import Fields, TemplateValue, content_with, fields_of, template_value
from webapp.extensions import runtime
from webapp.mailing import parsed_mail
from webapp.mailing.parsed_mail import ParsedMail
from webapp.messages import samples
from webapp.messages.building import Message, NotBuilt, build, to_render
from webapp.messages.samples import Sample, Trouble
from webapp.messages.send_test import NotSent, send_test
from webapp.store.customers import RecipientKey
from webapp.store.db import db
from webapp.store.definitions import Content, MessageDefinition, MessageTemplate
from webapp.store.installation import held
from webapp.store.invoices import Transformation
from webapp.store.mailservers import MailServer, Sender
from webapp.web import form_posts, htmx, untrusted
from webapp.web.access_control import viewer
from webapp.web.view_flags import while_typing

tries = Blueprint("tries", __name__)


@dataclass(frozen=True)
class Bench:
    """What stands beside a form: the mail of one sample, and what is wrong for any of them. Without invoices
    there is nothing to try; `unmade` says why there is no mail."""

    samples: list[Sample]
    sample: Sample | None = None
    message: Message | None = None
    letter: ParsedMail | None = None
    unmade: str = ""
    troubles: tuple[Trouble, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


def bench(
    session: Session, content: Content | None, given: Mapping[str, str], *, all_of_them: bool = True
) -> Bench:
    """Tries the definition on the sample that the fields name, or on the first; on `all_of_them` for what is
    wrong."""
    offered = samples.samples(session, viewer(), content)
    chosen = _chosen(session, given.get("sample", ""), offered)
    if content is None or chosen is None:
        return Bench(offered, chosen)
    parts = runtime()
    work = samples.work_of(session, content, chosen)
    rendered = parts.renderer.render(to_render(work))
    made = build(work, rendered, parts.documents, parts.settings.redirect_to)
    tried = [chosen, *(each for each in offered if each != chosen)] if all_of_them else [chosen]
    return Bench(
        samples=offered if chosen in offered else [chosen, *offered],
        sample=chosen,
        message=made if isinstance(made, Message) else None,
        letter=parsed_mail.read(made.mail.data) if isinstance(made, Message) else None,
        unmade=made.words if isinstance(made, NotBuilt) else "",
        troubles=tuple(samples.troubles(session, content, tried, rendered, parts.renderer)),
        variables=tuple(_listed(to_render(work).names, _passwords(session, content))),
    )


def _chosen(session: Session, named: str, offered: list[Sample]) -> Sample | None:
    if named.isascii() and named.isdecimal() and len(named) <= 18:
        return next((each for each in offered if each.invoice_id == int(named)), None) or samples.sample_of(
            session, viewer(), int(named)
        )
    return offered[0] if offered else None


FIELDS_LISTED_MAX = 80


def _passwords(session: Session, content: Content) -> frozenset[str]:
    """How a template would reach the passwords of documents: their values are for no screen."""
    used = session.scalars(select(MessageDefinition.password_key).distinct())
    return frozenset(f"customer.metadata.{key}" for key in {content["password_key"], *used} if key)


def _listed(names: Mapping[str, Any], secret: frozenset[str], before: str = "") -> list[tuple[str, str]]:
    """(how a template reaches it, its value) of everything that a template sees, but for what is secret."""
    found: list[tuple[str, str]] = []
    for name, value in names.items():
        if isinstance(value, Mapping):
            found += _listed(value, secret, f"{before}{name}.")
        elif f"{before}{name}" in secret:
            found.append((f"{before}{name}", "a password" if value else ""))
        elif isinstance(value, list | tuple):
            found.append((f"{before}{name}", f"a list of {len(value)}"))
        elif name != "id":
            found.append((f"{before}{name}", "" if value is None else str(value)))
    return found[:FIELDS_LISTED_MAX]


def definition_form(session: Session, given: MultiDict[str, str] | None, **stored: Any) -> DefinitionForm:
    """The form, with what there is to choose from."""
    form = DefinitionForm(given, bcc_domains=runtime().settings.bcc_domains, **stored)
    form.sender.choices = _choices(session, Sender.id, Sender.key)
    form.recipient_key.choices = _choices(session, RecipientKey.id, RecipientKey.key)
    form.template.choices = _choices(session, MessageTemplate.id, MessageTemplate.name)
    form.transformations.choices = transformation_choices(session)
    return form


def _choices(session: Session, id: Any, name: Any) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in session.execute(select(id, name).order_by(name))]


def transformation_choices(session: Session) -> list[tuple[int, str]]:
    """Everything that makes documents, by name."""
    return _choices(session, Transformation.id, Transformation.name)


def content_filled_in(session: Session, form: DefinitionForm) -> Content | None:
    """What the form would be as a definition; None while it does not hold together."""
    if not form.holds():
        return None
    template = session.get_one(MessageTemplate, form.template.data)
    return content_with(session, form.fields(), template_value(template))


def template_filled_in(form: TemplateForm, stored: TemplateValue | None) -> TemplateValue:
    """The template with what was filled in for one of its languages."""
    value = replace(stored, name=form.name.data, format=form.format.data) if stored else None
    value = value or TemplateValue(form.name.data, form.format.data, {})
    return with_text(value, form.language.data, form.text())


def content_of_template(session: Session, value: TemplateValue, definition_id: str) -> Content | None:
    """A definition to try the template with: the one that is named, or the first that uses it, or one made
    up of the first sender and recipient key; None if there are none of these."""
    fields = _fields_to_try(session, value, definition_id)
    return content_with(session, fields, value) if fields else None


def _fields_to_try(session: Session, value: TemplateValue, definition_id: str) -> Fields | None:
    if definition_id.isascii() and definition_id.isdecimal() and len(definition_id) <= 18:
        definition = session.get(MessageDefinition, int(definition_id))
        return fields_of(session, definition) if definition else None
    using = select(MessageDefinition).join(
        MessageTemplate, MessageTemplate.id == MessageDefinition.template_id
    )
    using = using.where(MessageTemplate.name == value.name).order_by(MessageDefinition.name).limit(1)
    if first := session.scalar(using):
        return fields_of(session, first)
    sender, key = (
        session.scalar(select(table.id).order_by(table.id).limit(1)) for table in (Sender, RecipientKey)
    )
    if sender is None or key is None:
        return None
    return Fields("", sender, key, 0, "Test of a template", no_documents=True)


@tries.post("/definitions/check")
@while_typing
def check_definition() -> ResponseReturnValue:
    """What stands beside the form of a definition, while it is being filled in."""
    form = definition_form(db.session, request.form)
    content = content_filled_in(db.session, form)
    seen = bench(db.session, content, request.form)
    wrong = "" if content else _first_error(form)
    return render_template("definitions/_preview.html", bench=seen, wrong=wrong, mail_url="/definitions/mail")


@tries.post("/templates/check")
@while_typing
def check_template() -> ResponseReturnValue:
    """What stands beside the form of a template, while it is being typed."""
    form = TemplateForm(request.form)
    content = _content_typed(db.session, form)
    seen = bench(db.session, content, request.form)
    wrong = "" if content or form.holds() else _first_error(form)
    return render_template("definitions/_preview.html", bench=seen, wrong=wrong, mail_url="/templates/mail")


def _first_error(form: DefinitionForm | TemplateForm) -> str:
    field = next((field for field in form if field.errors), None)
    return f"{field.label.text}: {field.errors[0]}" if field else ""


def _content_typed(session: Session, form: TemplateForm) -> Content | None:
    """None while it cannot be tried."""
    id = request.form.get("template", "")
    template = (
        session.get(MessageTemplate, int(id)) if id.isascii() and id.isdecimal() and len(id) < 19 else None
    )
    stored = template_value(template) if template else None
    form.languages = stored.texts if stored else ()
    form.holds()
    if form.format.errors or form.language.errors or not (form.source.data or "").strip():
        return None
    value = template_filled_in(form, stored)
    value = replace(value, texts={form.language.data: value.texts[form.language.data]})  # this one is tried
    return content_of_template(session, value, request.form.get("definition", ""))


@tries.post("/definitions/mail")
def definition_mail() -> ResponseReturnValue:
    """The mail's HTML alone, without any right to do or to fetch something."""
    content = content_filled_in(db.session, definition_form(db.session, request.form))
    return _framed(bench(db.session, content, request.form, all_of_them=False))


@tries.post("/templates/mail")
def template_mail() -> ResponseReturnValue:
    """The same for a template."""
    content = _content_typed(db.session, TemplateForm(request.form))
    return _framed(bench(db.session, content, request.form, all_of_them=False))


def _framed(seen: Bench) -> ResponseReturnValue:
    if seen.letter is None:
        return untrusted.as_text(seen.unmade or "There is nothing to show yet.")
    if seen.letter.html_to_show is None:
        return untrusted.as_text(seen.letter.text or "")
    return untrusted.framed(seen.letter.html_to_show)


@tries.post("/definitions/test")
def send_test_of_definition() -> ResponseReturnValue:
    """Sends the mail of the sample to the person's own address."""
    content = content_filled_in(db.session, definition_form(db.session, request.form))
    return _send(db.session, content)


@tries.post("/templates/test")
def send_test_of_template() -> ResponseReturnValue:
    """The same for a template."""
    return _send(db.session, _content_typed(db.session, TemplateForm(request.form)))


def _send(session: Session, content: Content | None) -> ResponseReturnValue:
    parts, back = runtime(), htmx.page_on_screen()
    sample = _chosen(session, request.form.get("sample", ""), samples.samples(session, viewer(), content))
    if content is None or sample is None:
        return form_posts.refuse(
            "There is nothing to send yet: fill in the form, and choose an invoice.", back
        )
    if why := held(session):
        return form_posts.refuse(f"No test was sent: {why}.", back)
    server = session.get_one(MailServer, content["sender"]["mail_server_id"])
    work = samples.work_of(session, content, sample)
    to = viewer().name
    try:
        reply = send_test(work, to, server, parts.renderer, parts.documents, parts.settings)
    except NotSent as why_not:
        return form_posts.refuse(f"No test was sent: {why_not}.", back)

    with parts.database.writing() as writing:
        note(writing, to, "send test", content["name"] or content["template"], f"{sample.number}: {reply}")
    return form_posts.notify(f"A test was sent to {parts.settings.redirect_to or to}: {reply}", back)
