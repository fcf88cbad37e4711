"""The forms of definitions and templates: what was filled in, and what is wrong with it, at the field."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.definitions.templates import LANGUAGE, NO_LANGUAGE, language_code, with_text
from webapp.definitions.versions import Fields, TemplateValue, Text, content_with, template_value
from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, bcc_addresses, checked_address, outside
from webapp.mailing.template_syntax import syntax_problem
from webapp.store.customers import RecipientKey
from webapp.store.db import db
from webapp.store.definitions import Content, MessageTemplate
from webapp.store.invoices import Transformation
from webapp.store.mailservers import Sender
from webapp.store.statuses import TemplateFormat
from webapp.translation import N_, _, translated

SPACES = re.compile(r"[,;\s]+")


def readable(form: Form, field: StringField) -> None:
    """Validate a template that can be parsed. What it produces is seen in the preview."""
    if problem := syntax_problem(field.data or ""):
        raise ValidationError(str(problem))


def one_line(form: Form, field: StringField) -> None:
    """A subject: one line, which is a template."""
    field.data = (field.data or "").strip()
    if "\n" in field.data or "\r" in field.data:
        raise ValidationError(_("This is one line."))
    readable(form, field)


def named(given: str | None) -> str:
    """The name, without blanks around it. Raises ValidationError for an empty one."""
    name = (given or "").strip()
    if not name:
        raise ValidationError(_("Enter a name."))
    if not name.isprintable():
        raise ValidationError(_("The name has a character that cannot be shown."))
    return name


class Filled(Form):
    """A form as it was filled in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def holds(self) -> bool:
        """Whether the form is valid; errors are shown at the fields from then on."""
        return bool(self.validate())  # type: ignore[no-untyped-call]

    @property
    def first_wrong(self) -> str:
        """The name of the first field with an error; empty if there is none."""
        return next((field.name for field in self if field.errors), "")


class DefinitionForm(Filled):
    """Every field of a message definition."""

    name = StringField(N_("Name"), validators=[InputRequired(N_("Enter a name.")), Length(max=200)])
    sender = SelectField(N_("From key"), coerce=int, validators=[InputRequired(N_("Choose one."))])
    recipient_key = SelectField(
        N_("Recipient key"), coerce=int, validators=[InputRequired(N_("Choose one."))]
    )
    template = SelectField(N_("Template"), coerce=int, validators=[InputRequired(N_("Choose one."))])
    subject = StringField(N_("Subject"), validators=[Length(max=1000), one_line])
    transformations = SelectMultipleField(N_("Invoice transformations to attach"), coerce=int)
    no_documents = BooleanField(N_("No documents"))
    zip = BooleanField(N_("Zip"))
    password_key = StringField(N_("Password key"), validators=[Length(max=100)])
    collate = BooleanField(N_("Collate"))
    file_name = StringField(N_("File names"), validators=[Length(max=300), one_line])
    bcc = StringField(N_("Bcc"), validators=[Length(max=4000)])
    reply_to = StringField(N_("Reply to"), validators=[Length(max=254)])

    def __init__(self, *args: Any, bcc_domains: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bcc_domains = bcc_domains
        self.addresses: list[str] = []

    def validate_name(self, field: StringField) -> None:
        field.data = named(field.data)

    def validate_transformations(self, field: SelectMultipleField) -> None:
        if not field.data and not self.no_documents.data:
            raise ValidationError(_("Choose what is attached, or tick “No documents”."))
        if field.data and self.no_documents.data:
            raise ValidationError(_("“No documents” is ticked: nothing can be attached then."))

    def validate_password_key(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if field.data and self.no_documents.data:
            raise ValidationError(_("There are no documents that a password could protect."))

    def validate_bcc(self, field: StringField) -> None:
        texts = [text for text in SPACES.split(field.data or "") if text]
        try:
            self.addresses = bcc_addresses(texts, self.bcc_domains)
        except BadAddress as problem:
            raise ValidationError(f"{str(problem).rstrip('.')}.") from None

    def validate_reply_to(self, field: StringField) -> None:
        try:
            field.data = checked_address(field.data) if (field.data or "").strip() else ""
        except BadAddress as problem:
            raise ValidationError(f"{str(problem).rstrip('.')}.") from None
        if field.data and outside([field.data], self.bcc_domains):
            raise ValidationError(
                _("Replies may go to %(bcc_domains)s only.", bcc_domains=", ".join(self.bcc_domains))
            )

    def fields(self) -> Fields:
        """What was filled in, once the form has been found valid."""
        return Fields(
            name=self.name.data,
            sender_id=self.sender.data,
            recipient_key_id=self.recipient_key.data,
            template_id=self.template.data,
            subject=self.subject.data,
            transformations=tuple(self.transformations.data),
            no_documents=self.no_documents.data,
            zip=self.zip.data,
            password_key=self.password_key.data,
            collate=self.collate.data,
            file_name=self.file_name.data,
            bcc=tuple(self.addresses),
            reply_to=self.reply_to.data,
        )


FORMATS = {TemplateFormat.HTML.value: "HTML", TemplateFormat.TEXT.value: N_("Plain text")}


class TemplateForm(Filled):
    """A template in one language."""

    name = StringField(N_("Name"), validators=[InputRequired(N_("Enter a name.")), Length(max=200)])
    format = SelectField(N_("Format"))
    language = StringField(N_("Language"), default="", validators=[Length(max=16)])
    subject = StringField(N_("Subject"), validators=[Length(max=1000), one_line])
    source = TextAreaField(
        N_("Body"), validators=[InputRequired(N_("The body is empty.")), Length(max=400_000), readable]
    )
    plain = TextAreaField(N_("Text version"), validators=[Length(max=400_000), readable])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.format.choices = [SelectChoice(value, translated(label)) for value, label in FORMATS.items()]

    def validate_name(self, field: StringField) -> None:
        field.data = named(field.data)

    languages: Collection[str] = ()
    """Those that the template has already: an import may have called them otherwise, as customers' are."""

    def validate_language(self, field: StringField) -> None:
        if field.data in self.languages:
            return
        field.data = language_code(field.data or "")
        if field.data and not LANGUAGE.fullmatch(field.data):
            raise ValidationError(NO_LANGUAGE)

    def text(self) -> Text:
        """What was filled in, with the line ends that a template has."""
        source, plain = ((field.data or "").replace("\r\n", "\n") for field in (self.source, self.plain))
        return Text(source, self.subject.data or "", plain if plain.strip() else "")


def definition_form(given: MultiDict[str, str] | None, **stored: Any) -> DefinitionForm:
    """The form with its choices."""
    form = DefinitionForm(given, bcc_domains=runtime().settings.bcc_domains, **stored)
    form.sender.choices = _choices(Sender.id, Sender.key)
    form.recipient_key.choices = _choices(RecipientKey.id, RecipientKey.key)
    form.template.choices = _choices(MessageTemplate.id, MessageTemplate.name)
    form.transformations.choices = _choices(Transformation.id, Transformation.name)
    return form


def _choices(id: Any, name: Any) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in db.session.execute(select(id, name).order_by(name))]


def content_filled_in(form: DefinitionForm) -> Content | None:
    """The definition that the form describes; None while the form has errors."""
    if not form.holds():
        return None
    template = template_value(db.session.get_one(MessageTemplate, form.template.data))
    if not form.subject.data and not template.has_every_subject:
        form.subject.errors = (_(NO_SUBJECT),)
        return None
    return content_with(db.session, form.fields(), template)


NO_SUBJECT = N_("A mail needs a subject: enter one here, or in each language of the template.")


def template_filled_in(form: TemplateForm, stored: TemplateValue | None) -> TemplateValue:
    """The template with what was filled in for one of its languages."""
    if stored is None:
        value = TemplateValue(form.name.data, form.format.data, {})
    else:
        value = replace(stored, name=form.name.data, format=form.format.data)
    return with_text(value, form.language.data, form.text())
