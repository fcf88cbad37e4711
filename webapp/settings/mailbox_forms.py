"""The form of a mailbox."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from webapp.destinations import refusal
from webapp.extensions import runtime
from webapp.imports import toml_values as check
from webapp.imports.kinds import longest
from webapp.settings.forms import SECURITY_WORDS, TOO_LONG, SettingForm, id_or_none
from webapp.settings.rules import checked_by, whole_checked_by
from webapp.store.bounces import MINUTES, Mailbox, MailboxKind
from webapp.store.db import db
from webapp.store.mailservers import OAuthAccount
from webapp.store.statuses import Security
from webapp.translation import N_, _, translated

KIND_WORDS = {
    MailboxKind.IMAP: "IMAP",
    MailboxKind.POP3: "POP3",
    MailboxKind.MAILDIR: N_("Maildir, a folder of this machine"),
    MailboxKind.PORT: N_("Port of Mailrun’s own, by SMTP or LMTP"),
}
HINTS = {
    "kind": N_(
        "A port of Mailrun’s own takes what your mail server hands over to this host and port, which only "
        "that server should reach. “mailrun up” opens it within half a minute; where each part runs alone, "
        "“mailrun bounces listen” does."
    ),
    "security": N_("With STARTTLS and TLS nothing is read without a valid certificate."),
    "password": N_("Stored encrypted, and never shown."),
    "oauth_account_id": N_(
        "Instead of the password, for Microsoft 365 and Google. Connect it first on the page of its mail "
        "server."
    ),
    "folder": N_("IMAP: usually INBOX. Maildir: the path of the folder. POP3 has none."),
    "done_folder": N_(
        "Empty: “Read by Mailrun”. POP3 has no folders: what was read is deleted there, and Mailrun keeps a "
        "copy."
    ),
    "authorities": N_("Only if this server's certificate is issued by your company's own authority."),
}
"""What is said below the fields; shown translated."""


def _line(column: Any, *, empty: bool = False) -> Any:
    return checked_by(check.text(longest(column), empty=empty))


class MailboxForm(SettingForm):
    """A mailbox."""

    name = StringField(N_("Name"), validators=[_line(Mailbox.name)])
    kind = SelectField(N_("Kind"), default=MailboxKind.IMAP)
    host = StringField(N_("Host"))
    port = StringField(N_("Port"), validators=[whole_checked_by(check.whole(1, 65535))], default="993")
    security = SelectField(N_("Security"), default=Security.TLS)
    username = StringField(N_("User name"), validators=[_line(Mailbox.username, empty=True)])
    password = PasswordField(N_("Password"), validators=[Length(max=1000, message=TOO_LONG)])
    no_password = BooleanField(N_("Forget the stored password"))
    oauth_account_id = SelectField(N_("OAuth account"), coerce=id_or_none)
    folder = StringField(N_("Folder"), validators=[_line(Mailbox.folder, empty=True)], default="INBOX")
    done_folder = StringField(
        N_("Folder for what was read"), validators=[_line(Mailbox.done_folder, empty=True)]
    )
    every_minutes = StringField(
        N_("Minutes between two readings"),
        validators=[whole_checked_by(check.whole(1, 1440))],
        default=str(MINUTES),
    )
    authorities = TextAreaField(
        N_("Certificate authority (PEM)"), validators=[checked_by(check.certificates)]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [(value, translated(words)) for value, words in KIND_WORDS.items()]
        self.security.choices = [(value, translated(words)) for value, words in SECURITY_WORDS.items()]
        accounts = select(OAuthAccount.id, OAuthAccount.name).order_by(OAuthAccount.name)
        known = [(id, name) for id, name in db.session.execute(accounts)]
        self.oauth_account_id.choices = [("", _("none")), *known]

    @property
    def is_maildir(self) -> bool:
        """Whether it is a folder of this machine, which has no host."""
        return bool(self.kind.data == MailboxKind.MAILDIR)

    def validate_host(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if self.is_maildir:
            field.data = ""
            return
        checked_by(check.host(longest(Mailbox.host)))(self, field)
        port = self.port.data
        if words := refusal(
            field.data, int(port) if str(port).isdecimal() else 0, runtime().settings.own_services
        ):
            raise ValidationError(_("Host: %(problem)s.", problem=words))

    def validate_username(self, field: StringField) -> None:
        if self.kind.data in (MailboxKind.IMAP, MailboxKind.POP3) and not field.data:
            raise ValidationError(_("Enter the user name of the mailbox."))

    def validate_oauth_account_id(self, field: SelectField) -> None:
        if field.data is None:
            return
        if self.kind.data != MailboxKind.IMAP:
            raise ValidationError(_("A mailbox with an OAuth account is read by IMAP."))
        account = db.session.get(OAuthAccount, field.data)
        if account is not None and self.host.data not in account.hosts.split():
            words = _(
                "The tokens of “%(name)s” go to %(hosts)s only.", name=account.name, hosts=account.hosts
            )
            raise ValidationError(words)

    def validate_folder(self, field: StringField) -> None:
        if self.is_maildir and not str(field.data or "").startswith("/"):
            raise ValidationError(_("Enter the path of the Maildir, such as /var/mail/bounces."))
        if self.kind.data == MailboxKind.IMAP and not field.data:
            field.data = "INBOX"

    def secret(self) -> str | None:
        """The password that was filled in; empty: none from now on; None: as it was."""
        return "" if self.no_password.data else self.password.data or None
