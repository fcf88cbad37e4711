"""What pages say of a mailbox: whether it can be read, when it was read; and the check of its connection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.bounces.mailboxes import MailboxAddress, MailboxTrouble
from webapp.bounces.reading import open_mailbox, subject
from webapp.mailservers.passwords import DESTINATION
from webapp.settings.mailbox_forms import KIND_WORDS
from webapp.settings.storing import refuse_elsewhere
from webapp.smtp.client import describe
from webapp.store.bounces import Mailbox, MailboxKind
from webapp.store.mailservers import Sender
from webapp.stored_texts import retold
from webapp.translation import _, translated


@dataclass(frozen=True)
class MailboxState:
    """`look` and `words` of the state; `sentence`: what is wrong."""

    look: str
    words: str
    sentence: str = ""


@dataclass(frozen=True)
class CheckedMailbox:
    """What came of a check: how many mails wait in the mailbox, or the trouble, in English."""

    waiting: int = 0
    trouble: str = ""


def state(mailbox: Mailbox) -> MailboxState:
    """Whether it can be read."""
    if mailbox.trouble:
        since = notation.clock(mailbox.trouble_since) if mailbox.trouble_since else ""
        words = _("Not read since %(time)s", time=since) if since else _("Not read")
        told = retold(mailbox.trouble)
        return MailboxState("failed", words, f"{told[:1].upper()}{told[1:]}.")
    if mailbox.last_read_at is None:
        return MailboxState("ready", _("Not read yet"))
    return MailboxState("sent", _("Fine"))


def place(mailbox: Mailbox) -> str:
    """imap.example.com:993, or the path of a Maildir."""
    if mailbox.kind == MailboxKind.MAILDIR:
        return mailbox.folder
    return f"{mailbox.host}:{mailbox.port}"


def kind_words(mailbox: Mailbox) -> str:
    """IMAP, every 5 minutes"""
    kind = translated(KIND_WORDS[MailboxKind(mailbox.kind)]).partition(",")[0]
    return _("%(kind)s, every %(num)s min", kind=kind, num=mailbox.every_minutes)


def last_read(mailbox: Mailbox) -> str:
    """When it was last read."""
    return notation.clock(mailbox.last_read_at) if mailbox.last_read_at else _("never")


def in_trouble(session: Session) -> int:
    """How many mailboxes cannot be read."""
    return session.scalar(select(func.count()).where(Mailbox.trouble.is_not(None))) or 0


def senders_of(session: Session, mailbox: Mailbox) -> list[str]:
    """The keys of the senders that use it."""
    keys = select(Sender.key).where(Sender.mailbox_id == mailbox.id).order_by(Sender.key)
    return list(session.scalars(keys))


def check(address: MailboxAddress) -> CheckedMailbox:
    """Open the mailbox and count what is in it. Changes nothing, and reads no mail."""
    try:
        with closing(open_mailbox(address)) as box:
            return CheckedMailbox(box.count())
    except MailboxTrouble as trouble:
        return CheckedMailbox(trouble=str(trouble))
    except OSError as error:
        return CheckedMailbox(trouble=describe(error))


def as_typed(stored: Mailbox | None, name: str, values: Mapping[str, Any], secret: str | None) -> Mailbox:
    """The mailbox that a form describes, in no database: None for `stored` if it is a new one. Without a
    `secret` it has the stored password, which goes only where it was entered for; raises Refused."""
    mailbox = Mailbox(name=name, **values, password="")
    if stored is not None and stored.password and secret is None:
        refuse_elsewhere({column: getattr(stored, column) for column in DESTINATION}, values)
        mailbox.password = stored.password
    return mailbox


def note_check(
    session: Session, actor: str, mailbox: Mailbox, checked: CheckedMailbox, *, typed: bool = False
) -> None:
    """Note the check in the audit trail. `typed`: of what was typed and is not saved."""
    said = checked.trouble or f"the connection works, {checked.waiting} mails"
    if typed:
        said = f"not saved, {place(mailbox)}: {said}"
    audit.note(session, actor, "check connection", subject(mailbox), said)
