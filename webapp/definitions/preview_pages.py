"""A definition or a template as it is being filled in, tried on a sample invoice: what is shown beside the
form, the mail in its frame, and a test mail. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp.audit import note
from webapp.definitions.forms import (
    DefinitionForm,
    TemplateForm,
    content_filled_in,
    definition_form,
    template_filled_in,
)
from webapp.definitions.language_words import missing_words
from webapp.definitions.variables import listed, nothing_yet
from webapp.definitions.versions import Fields, TemplateValue, content_with, fields_of, template_value
from webapp.extensions import runtime
from webapp.mailing import parsed_mail
from webapp.mailing.parsed_mail import ParsedMail
from webapp.mailservers.one_mail import NotSent
from webapp.messages import samples
from webapp.messages.building import Message, NotBuilt, build, to_render
from webapp.messages.samples import Sample, Trouble
from webapp.messages.send_test import send_test
from webapp.store.customers import RecipientKey
from webapp.store.db import db
from webapp.store.definitions import Content, MessageDefinition, MessageTemplate
from webapp.store.installation import held
from webapp.store.mailservers import MailServer, Sender
from webapp.translation import _
from webapp.web import form_posts, htmx, untrusted, user_limits
from webapp.web.access_control import viewer
from webapp.web.preview_renderers import few_at_once
from webapp.web.query_args import id_in
from webapp.web.view_flags import allow_editors, while_typing

tries = Blueprint("tries", __name__)


@dataclass(frozen=True)
class MailPreview:
    """What a form shows beside it: the mail of one sample, and what is wrong with the templates for any of
    them. There is nothing to show without invoices; `unmade` says why there is no mail."""

    samples: list[Sample]
    sample: Sample | None = None
    message: Message | None = None
    letter: ParsedMail | None = None
    unmade: str = ""
    troubles: tuple[Trouble, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    """The languages in which a piece of the mail has no text, and which piece."""


def preview_mail(
    content: Content | None, given: Mapping[str, str], *, every_sample: bool = True
) -> MailPreview:
    """Build the mail of the sample that the fields name, or of the first. Render `every_sample` to find
    what is wrong. Ends the read session."""
    offered = samples.samples(db.session, viewer(), content)
    chosen = _chosen(given.get("sample", ""), offered)
    missing = missing_words(content)
    if content is None or chosen is None:
        wrong = samples.example_troubles(content, runtime().renderer) if content and not offered else []
        names = samples.names_seen(db.session, content or nothing_yet(given), chosen)
        seen = tuple(listed(names))
        return MailPreview(offered, chosen, troubles=tuple(wrong), variables=seen, missing=missing)
    others = [sample for sample in offered if sample != chosen] if every_sample else []
    tried = [(sample, samples.input_of(db.session, content, sample)) for sample in (chosen, *others)]
    db.end_reading()
    parts, mail_input = runtime(), tried[0][1]
    rendered = parts.renderer.render(to_render(mail_input))
    built = build(mail_input, rendered, parts.documents, parts.settings.redirect_to)
    return MailPreview(
        samples=offered if chosen in offered else [chosen, *offered],
        sample=chosen,
        message=built if isinstance(built, Message) else None,
        letter=parsed_mail.read(built.mail.data) if isinstance(built, Message) else None,
        unmade=built.words if isinstance(built, NotBuilt) else "",
        troubles=tuple(samples.troubles(tried, rendered, parts.renderer)),
        variables=tuple(listed(to_render(mail_input).names)),
        missing=missing,
    )


def _chosen(named: str, offered: list[Sample]) -> Sample | None:
    """The sample that the form names, also one that is not offered; the first of those offered if it names
    none."""
    invoice_id = id_in(named)
    if invoice_id is None:
        return offered[0] if offered else None
    for sample in offered:
        if sample.invoice_id == invoice_id:
            return sample
    return samples.sample_of(db.session, viewer(), invoice_id)


def content_of_template(value: TemplateValue, definition_id: str) -> Content | None:
    """A definition to try the template with: the one that is named, or the first that uses it, or one made up
    of the first sender and recipient key; None if there are none of these."""
    fields = _fields_to_try(value, definition_id)
    return content_with(db.session, fields, value) if fields else None


def _fields_to_try(value: TemplateValue, definition_id: str) -> Fields | None:
    if (id := id_in(definition_id)) is not None:
        definition = db.session.get(MessageDefinition, id)
        return fields_of(db.session, definition) if definition else None
    using = (
        select(MessageDefinition)
        .join(MessageTemplate, MessageTemplate.id == MessageDefinition.template_id)
        .where(MessageTemplate.name == value.name)
        .order_by(MessageDefinition.name)
        .limit(1)
    )
    if first := db.session.scalar(using):
        return fields_of(db.session, first)
    sender = db.session.scalar(select(Sender.id).order_by(Sender.id).limit(1))
    key = db.session.scalar(select(RecipientKey.id).order_by(RecipientKey.id).limit(1))
    if sender is None or key is None:
        return None
    return Fields("", sender, key, 0, _("Test of a template"), no_documents=True)


@tries.post("/definitions/check")
@allow_editors
@while_typing
@few_at_once
def check_definition() -> ResponseReturnValue:
    """What is shown beside the form of a definition, while it is being filled in."""
    form = definition_form(request.form)
    content = content_filled_in(form)
    return _preview(content, "" if content else _first_error(form), "/definitions/mail")


@tries.post("/templates/check")
@allow_editors
@while_typing
@few_at_once
def check_template() -> ResponseReturnValue:
    """What is shown beside the form of a template, while it is being typed."""
    form = TemplateForm(request.form)
    content = _content_typed(form)
    wrong = "" if content or form.holds() else _first_error(form)
    return _preview(content, wrong, "/templates/mail")


def _preview(content: Content | None, wrong: str, mail_url: str) -> str:
    shown = preview_mail(content, request.form)
    return render_template("definitions/_preview.html", bench=shown, wrong=wrong, mail_url=mail_url)


def _first_error(form: DefinitionForm | TemplateForm) -> str:
    field = next((field for field in form if field.errors), None)
    return f"{field.label.text}: {field.errors[0]}" if field else ""


def _content_typed(form: TemplateForm) -> Content | None:
    """A definition to try the text of this language with; None while that is not possible."""
    id = id_in(request.form.get("template", ""))
    template = db.session.get(MessageTemplate, id) if id is not None else None
    stored = template_value(template) if template else None
    form.languages = stored.texts if stored else ()
    form.holds()
    if form.format.errors or form.language.errors or not (form.source.data or "").strip():
        return None
    value = template_filled_in(form, stored)
    alone = replace(value, texts={form.language.data: value.texts[form.language.data]})
    return content_of_template(alone, request.form.get("definition", ""))


@tries.post("/definitions/mail")
@allow_editors
@few_at_once
def definition_mail() -> ResponseReturnValue:
    """The mail's HTML alone, without any right to do or to load something."""
    content = content_filled_in(definition_form(request.form))
    return _framed(preview_mail(content, request.form, every_sample=False))


@tries.post("/templates/mail")
@allow_editors
@few_at_once
def template_mail() -> ResponseReturnValue:
    """The same for a template."""
    content = _content_typed(TemplateForm(request.form))
    return _framed(preview_mail(content, request.form, every_sample=False))


def _framed(preview: MailPreview) -> ResponseReturnValue:
    if preview.letter is None:
        return untrusted.as_text(preview.unmade or _("There is nothing to show yet."))
    if preview.letter.html_to_show is None:
        return untrusted.as_text(preview.letter.text or "")
    return untrusted.framed(preview.letter.html_to_show)


@tries.post("/definitions/test")
@allow_editors
def send_test_of_definition() -> ResponseReturnValue:
    """Send the mail of the sample to the person's own address."""
    return _send(content_filled_in(definition_form(request.form)))


@tries.post("/templates/test")
@allow_editors
def send_test_of_template() -> ResponseReturnValue:
    """The same for a template."""
    return _send(_content_typed(TemplateForm(request.form)))


def _send(content: Content | None) -> ResponseReturnValue:
    user_limits.count(user_limits.TEST_MAILS, _("test mails"))
    parts, back, to = runtime(), htmx.page_on_screen(), viewer().name
    offered = samples.samples(db.session, viewer(), content)
    sample = _chosen(request.form.get("sample", ""), offered)
    if content is None or sample is None:
        return _not_sent(_("There is nothing to send yet. Fill in the form and choose an invoice."), back)
    if why := held(db.session):
        return _not_sent(_("No test was sent: %(why)s.", why=why), back)
    server = db.session.get_one(MailServer, content["sender"]["mail_server_id"])
    mail_input = samples.input_of(db.session, content, sample)
    db.end_reading()
    try:
        reply = send_test(mail_input, to, server, parts)
    except NotSent as why_not:
        return _not_sent(_("No test was sent: %(why)s.", why=why_not), back)
    with db.writing() as session:
        note(session, to, "send test", content["name"] or content["template"], f"{sample.number}: {reply}")
    words = _(
        "A test was sent to %(address)s: %(reply)s", address=parts.settings.redirect_to or to, reply=reply
    )
    if key := content["password_key"]:
        opens = _("Its documents open with this customer’s “%(key)s”.", key=key)
        words = f"{words} {opens}"
    return form_posts.notify(words, back)


def _not_sent(words: str, back: str) -> ResponseReturnValue:
    """Say it where the person looks: beside the form, not at the top of the page."""
    return form_posts.notify(words, back) if htmx.is_htmx() else form_posts.refuse(words, back)
