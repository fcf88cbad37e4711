"""The forms of settings. The same rules hold as in messaging.toml (imports/messaging_keys.py)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from wtforms import BooleanField, Field, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from webapp.catcher.box import Box
from webapp.definitions.forms import Filled
from webapp.extensions import runtime
from webapp.imports.messaging_keys import wrong_in_server, wrong_replies
from webapp.oauth.providers import LABELS, PRESETS
from webapp.settings.kinds import RECIPIENT_KEYS, SENDERS, SERVERS, TRANSFORMATIONS, SettingKind
from webapp.settings.rules import DIGITS_MAX, by_rule, said, whole_by_rule
from webapp.store.bounces import Mailbox
from webapp.store.db import db
from webapp.store.mailservers import CONNECTIONS, MailServer
from webapp.store.statuses import OAuthProvider, OutputType, Security
from webapp.translation import N_, _, translated

SECURITY_WORDS = {
    Security.STARTTLS: "STARTTLS",
    Security.TLS: N_("TLS from the first byte"),
    Security.NONE: N_("None"),
}
TYPE_WORDS = {
    OutputType.PDF: "PDF",
    OutputType.XML: N_("XML (e-invoice)"),
    OutputType.CSV: "CSV",
    OutputType.TEXT: N_("Text"),
    OutputType.HTML: "HTML",
}


TOO_LONG = N_("Field cannot be longer than 1000 characters.")


def _refuse(field: Field, key: str, wrong: Iterable[tuple[str, str]]) -> None:
    for name, words in wrong:
        if name == key:
            raise ValidationError(said(field, words))


def _text(label: str, table: str, key: str, **options: Any) -> StringField:
    return StringField(label, validators=[by_rule(table, key)], **options)


def _number(label: str, key: str, default: int) -> StringField:
    return StringField(label, validators=[whole_by_rule("mail_server", key)], default=str(default))


class SettingForm(Filled):
    """A form of one kind of setting. `name` is what it is named by; it is asked for only once."""

    name: StringField

    def values(self, kind: SettingKind) -> dict[str, Any]:
        """What was filled in, as it is stored; once the form has been found valid."""
        return {column: self[column].data for column in kind.columns}

    def secret(self) -> str | None:
        """The password that was filled in; empty: none from now on; None: as it was."""
        return None


class MailServerForm(SettingForm):
    """A mail server."""

    name = _text(N_("Name"), "mail_server", "name")
    host = _text(N_("Host"), "mail_server", "host")
    port = _number(N_("Port"), "port", 587)
    security = SelectField(N_("Security"), default=Security.STARTTLS)
    username = _text(N_("User name"), "mail_server", "username")
    password = PasswordField(N_("Password"), validators=[Length(max=1000, message=TOO_LONG)])
    no_password = BooleanField(N_("Forget the stored password"))
    password_env = _text(N_("Variable with the password"), "mail_server", "password_env")
    authorities = TextAreaField(
        N_("Certificate authority (PEM)"), validators=[by_rule("mail_server", "authorities")]
    )
    rate_per_minute = _number(N_("Mails per minute"), "rate_per_minute", 0)
    domain_rate_per_minute = _number(N_("Mails per minute to one domain"), "domain_rate_per_minute", 0)
    recipients_per_day = _number(N_("Recipients a day"), "recipients_per_day", 0)
    max_connections = _number(N_("Connections at once"), "max_connections", CONNECTIONS)
    ehlo_name = _text(N_("Name in EHLO"), "mail_server", "ehlo_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.security.choices = [(value, translated(words)) for value, words in SECURITY_WORDS.items()]

    def validate_host(self, field: StringField) -> None:
        self._fits("host")

    def validate_username(self, field: StringField) -> None:
        if self.password.data and not field.data:
            raise ValidationError(_("Enter the user name that this password belongs to."))
        self._fits("username")

    def _fits(self, key: str) -> None:
        """Raise ValidationError for what the file may not have here either."""
        typed = str(self.port.data)
        port = int(typed) if typed.isdecimal() and len(typed) <= DIGITS_MAX else 0
        names = ("host", "username", "password_env")
        values = {"port": port, **{name: self[name].data for name in names}}
        _refuse(self[key], key, wrong_in_server(values, runtime().settings.own_services))

    def validate_password(self, field: PasswordField) -> None:
        if field.data and self.password_env.data:
            raise ValidationError(_("Enter the password or the variable that holds it, not both."))

    def secret(self) -> str | None:
        if self.no_password.data or self.password_env.data:
            return ""
        return self.password.data or None


SIGNED_LOCAL_PART_MAX = 40
"""Of the 64 characters that may be before the @, the token of a mail takes up to 24."""


def id_or_none(value: object) -> int | None:
    """The id that a field of ids has; None for none."""
    return int(str(value)) if value else None


class SenderForm(SettingForm):
    """A sender."""

    name = _text(N_("Key"), "sender", "key")
    address = _text(N_("Address"), "sender", "address")
    display_name = _text(N_("Display name"), "sender", "display_name")
    reply_to = _text(N_("Replies go to"), "sender", "reply_to")
    mail_server_id = SelectField(N_("Mail server"), coerce=int)
    envelope_sender = _text(N_("Bounces go to"), "sender", "envelope_sender")
    mailbox_id = SelectField(N_("Mailbox that is read for them"), coerce=id_or_none)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = db.session.execute(select(MailServer.id, MailServer.name).order_by(MailServer.name))
        self.mail_server_id.choices = [(id, name) for id, name in rows]
        mailboxes = db.session.execute(select(Mailbox.id, Mailbox.name).order_by(Mailbox.name))
        self.mailbox_id.choices = [("", _("none")), *((id, n) for id, n in mailboxes)]

    def validate_envelope_sender(self, field: StringField) -> None:
        if not self.mailbox_id.data:
            return
        if not field.data:
            words = _("Enter the address that the mailbox is read for. What is read there is moved away.")
            raise ValidationError(words)
        if len(field.data.rpartition("@")[0]) > SIGNED_LOCAL_PART_MAX:
            most = SIGNED_LOCAL_PART_MAX
            raise ValidationError(_("At most %(num)s characters may stand before the @.", num=most))

    def validate_reply_to(self, field: StringField) -> None:
        found = wrong_replies({"reply_to": field.data}, runtime().settings.bcc_domains)
        _refuse(field, "reply_to", found)


class RecipientKeyForm(SettingForm):
    """A recipient key."""

    name = _text(N_("Key"), "recipient_key", "key")
    description = _text(N_("What it is for"), "recipient_key", "description")


class TransformationForm(SettingForm):
    """A transformation."""

    name = _text(N_("Name"), "transformation", "name")
    output_type = SelectField(N_("Type"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output_type.choices = [(value, translated(words)) for value, words in TYPE_WORDS.items()]


def preset(kind: SettingKind, chosen: str) -> dict[str, Any]:
    """What the form of a new mail server begins with, at a provider whose limits are known, or the
    mail catcher of this machine."""
    if kind is SERVERS and chosen == CATCHER and caught_here():
        port = runtime().settings.catcher_port
        return {"name": _("Mail catcher"), "host": "127.0.0.1", "port": port, "security": Security.NONE}
    known = PRESETS.get(OAuthProvider(chosen)) if chosen in set(OAuthProvider) else None
    if kind is not SERVERS or known is None:
        return {}
    columns = ("host", "port", "security", "rate_per_minute", "recipients_per_day", "max_connections")
    return {"name": LABELS[OAuthProvider(chosen)], **{name: getattr(known, name) for name in columns}}


CATCHER = "catcher"


def caught_here() -> bool:
    """Whether Mailrun's own mail catcher runs on this machine."""
    return Box(runtime().settings.home / "caught").is_being_filled()


FORMS: dict[str, type[SettingForm]] = {
    SERVERS.path: MailServerForm,
    SENDERS.path: SenderForm,
    RECIPIENT_KEYS.path: RecipientKeyForm,
    TRANSFORMATIONS.path: TransformationForm,
}

HINTS: dict[str, dict[str, str]] = {
    SERVERS.path: {
        "security": N_("With STARTTLS and TLS nothing is sent without a valid certificate."),
        "username": N_("Empty: no login."),
        "password": N_("Stored encrypted, and never shown."),
        "password_env": N_(
            "Instead of the password: the variable of the workers, or of .env, that holds it."
        ),
        "rate_per_minute": N_("0 means no limit."),
        "recipients_per_day": N_("Within 24 hours; the rest waits. 0 means no limit."),
        "max_connections": N_("Over all workers together."),
        "ehlo_name": N_("How Mailrun introduces itself; empty: this machine's name."),
        "authorities": N_("Only if this server's certificate is issued by your company's own authority."),
    },
    SENDERS.path: {
        "display_name": N_("Shown beside the address."),
        "reply_to": N_("Empty: replies go to the address."),
        "envelope_sender": N_("Empty: returned mails go to the address."),
        "mailbox_id": N_(
            "With a mailbox, each mail comes back to an address of its own: bounces+…@example.com. Your mail "
            "server must deliver these as it does the address without the “+”."
        ),
    },
    RECIPIENT_KEYS.path: {"description": N_("For those who write definitions.")},
    TRANSFORMATIONS.path: {},
}
"""What is said below the fields; shown translated."""
