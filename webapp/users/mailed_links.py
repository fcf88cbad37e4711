"""The mail with the one-time link of an invitation, or of a forgotten password, in the user's language."""

from __future__ import annotations

import secrets
from dataclasses import replace

from webapp import notation
from webapp.extensions import Runtime
from webapp.mailservers.user_mail import UserMail, mail_user, message_id
from webapp.store.mailservers import Sender
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import _, ngettext
from webapp.users.links import HOURS


def mail_link(sender: Sender, user: User, address: str, by: str, runtime: Runtime) -> None:
    """Mail this address of a one-time link to the user, in the user's language. Raises NotSent."""
    language = user.language or notation.current().language
    with notation.reading(replace(notation.current(), language=language)):
        subject, text = _words(user, address, by)
    key = message_id(sender, secrets.token_hex(12))
    mail = UserMail(user.email, subject, text, key, now())
    mail_user(sender, mail, runtime.settings, runtime.database)


def _words(user: User, address: str, by: str) -> tuple[str, str]:
    """Subject and text."""
    if user.password_hash:
        subject = _("Choose another password for Mailrun")
        first = _("%(who)s made you a link, by which you choose another password for Mailrun:", who=by)
    else:
        subject = _("Your invitation to Mailrun")
        first = _("%(who)s invites you to Mailrun. Choose a password here:", who=by)
    once = ngettext(
        "The link opens once, within %(num)s hour. Pass it on to no one: who opens it chooses the password.",
        "The link opens once, within %(num)s hours. Pass it on to no one: who opens it chooses the password.",
        HOURS,
    )
    return subject, f"{first}\n\n{address}\n\n{once}\n"
