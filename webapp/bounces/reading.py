"""Reads mailboxes: one worker at a time in each, each mail in a commit of its own.

A worker that dies holds up its mailbox until the lease ends. What it had not stored is still in the mailbox;
what it had stored, and not yet put away, is known by its SHA-256."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from webapp import audit, telling
from webapp.bounces.applying import ACTOR, NotYet
from webapp.bounces.imap import ImapMailbox
from webapp.bounces.mailboxes import MailboxAddress, MailboxTrouble, OpenMailbox, address_of
from webapp.bounces.maildir import MaildirMailbox
from webapp.bounces.pop3 import Pop3Mailbox
from webapp.bounces.port import PortMailbox
from webapp.bounces.receiving import receive
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.smtp.client import describe
from webapp.store.bounces import Mailbox, MailboxKind, ReturnEffect, ReturnState
from webapp.store.installation import held
from webapp.store.types import now
from webapp.translation import N_, _, english

log = logging.getLogger(__name__)

LEASE_SECONDS = 120.0
"""How long a mailbox stays held by a worker that stores nothing: four times what its server may be silent."""
SOON_SECONDS = 10.0
"""When a mailbox is read again in which a mail came back faster than its sending was committed."""
OPENERS: dict[str, Callable[[MailboxAddress], OpenMailbox]] = {
    MailboxKind.IMAP: ImapMailbox,
    MailboxKind.POP3: Pop3Mailbox,
    MailboxKind.MAILDIR: MaildirMailbox,
    MailboxKind.PORT: PortMailbox,
}
NOT_STORED = N_("%(count)s mails could not be stored; the log of the worker says why")


@dataclass
class ReadingCounts:
    """What came of a reading. `known`: mails that had been read before. `later`: those whose sending is not
    committed yet."""

    read: int = 0
    known: int = 0
    bounced: int = 0
    unmatched: int = 0
    later: int = 0
    failed: int = 0
    trouble: str = ""


class LeaseLost(Exception):
    """Another worker reads the mailbox by now."""


def open_mailbox(address: MailboxAddress) -> OpenMailbox:
    """The mailbox, open. Raises MailboxTrouble."""
    return OPENERS[address.kind](address)


def _is_due(at: datetime) -> ColumnElement[bool]:
    free = or_(Mailbox.reading_until.is_(None), Mailbox.reading_until < at)
    return and_(free, or_(Mailbox.next_read_at.is_(None), Mailbox.next_read_at <= at))


def due(runtime: Runtime) -> list[int]:
    """The mailboxes whose turn it is. None while this installation may not send: the mailbox is then another
    one's, and so are its mails; nor in safe mode, when no mail has gone to a customer."""
    if runtime.settings.redirect_to:
        return []
    with runtime.database.reading() as session:
        found = session.scalars(select(Mailbox.id).where(_is_due(now())).order_by(Mailbox.id)).all()
        return [] if not found or held(session) else list(found)


def read_due(runtime: Runtime, leaving: threading.Event) -> None:
    """Read every mailbox whose turn it is."""
    for mailbox_id in due(runtime):
        if not leaving.is_set():
            read(runtime, mailbox_id, leaving)


def ask_for_reading(session: Session, settings_redirect_to: str) -> int:
    """Have every mailbox read as soon as a worker looks; return how many there are. Raises Refused."""
    if settings_redirect_to:
        raise Refused(_("In safe mode no mailbox is read: its mails belong to the installation that sends."))
    if why := held(session):
        raise Refused(_("No mailbox is read here: %(why)s.", why=_(why)))
    found = session.scalars(update(Mailbox).values(next_read_at=None).returning(Mailbox.id))
    return len(found.all())


def read(runtime: Runtime, mailbox_id: int, leaving: threading.Event) -> ReadingCounts | None:
    """Read this mailbox, if no other worker does; return what came of it.

    1. Take the lease, in one conditional UPDATE.
    2. Store each mail with its effect, in one commit. Then put it away.
    3. Note how it went, and when it is read next."""
    reader = secrets.token_hex(16)
    taken = _take(runtime, mailbox_id, reader)
    if taken is None:
        return None
    address, pause = taken
    counts = ReadingCounts()
    try:
        with closing(open_mailbox(address)) as box:
            for known_by, raw in box.mails():
                if leaving.is_set():
                    break
                if _store(runtime, mailbox_id, reader, raw, counts):
                    box.put_away(known_by)
    except MailboxTrouble as trouble:
        counts.trouble = str(trouble)
    except LeaseLost:
        return counts
    except OSError as error:
        counts.trouble = describe(error)
    if counts.failed and not counts.trouble:
        counts.trouble = NOT_STORED % {"count": counts.failed}
    _give_back(runtime, mailbox_id, reader, counts, pause)
    log.info("mailbox read", extra=ids(mailbox=mailbox_id, mails=counts.read, bounced=counts.bounced))
    return counts


def _take(runtime: Runtime, mailbox_id: int, reader: str) -> tuple[MailboxAddress, timedelta] | None:
    """How to reach the mailbox, and the pause between two readings; None if another worker reads it."""
    at = now()
    free = or_(Mailbox.reading_until.is_(None), Mailbox.reading_until < at)
    with runtime.database.writing() as session:
        if held(session) or runtime.settings.redirect_to:
            return None
        mailbox = session.scalar(select(Mailbox).where(Mailbox.id == mailbox_id, free).with_for_update())
        if mailbox is None:
            return None
        mailbox.reader, mailbox.reading_until = reader, _until(runtime)
        with english():
            address = address_of(mailbox, runtime.settings, runtime.database)
            return address, timedelta(minutes=mailbox.every_minutes)


def _until(runtime: Runtime) -> datetime:
    return now() + timedelta(seconds=min(LEASE_SECONDS, 4 * runtime.settings.lease))


def _store(runtime: Runtime, mailbox_id: int, reader: str, raw: bytes, counts: ReadingCounts) -> bool:
    """Store this mail with its effect, and move the lease on, in one commit; return whether it is stored.
    One that cannot be stored stays in the mailbox, and holds up no other."""
    try:
        with runtime.database.writing() as session:
            ours = (Mailbox.id == mailbox_id, Mailbox.reader == reader)
            moved = update(Mailbox).where(*ours).values(reading_until=_until(runtime))
            if session.scalar(moved.returning(Mailbox.id)) is None:
                raise LeaseLost
            received = receive(session, mailbox_id, raw)
    except NotYet:
        counts.later += 1
        return False
    except (LeaseLost, OperationalError):
        raise
    except Exception:
        log.exception("a returned mail cannot be stored", extra=ids(mailbox=mailbox_id))
        counts.failed += 1
        return False
    if not received.is_new:
        counts.known += 1
        return True
    counts.read += 1
    counts.bounced += received.effect == ReturnEffect.BOUNCED
    counts.unmatched += received.state == ReturnState.UNMATCHED
    return True


def _give_back(
    runtime: Runtime, mailbox_id: int, reader: str, counts: ReadingCounts, pause: timedelta
) -> None:
    with runtime.database.writing() as session:
        ours = select(Mailbox).where(Mailbox.id == mailbox_id, Mailbox.reader == reader)
        mailbox = session.scalar(ours.with_for_update())
        if mailbox is None:
            return
        at = now()
        mailbox.reader, mailbox.reading_until = "", None
        mailbox.next_read_at = (
            at + min(pause, timedelta(seconds=SOON_SECONDS)) if counts.later else at + pause
        )
        if counts.trouble:
            if mailbox.trouble is None:
                mailbox.trouble_since = at
                audit.note(session, ACTOR, "mailbox in trouble", subject(mailbox), counts.trouble)
            mailbox.trouble = counts.trouble
            since = mailbox.trouble_since or at
            page = f"/mailboxes/{mailbox.id}"
            telling.connection_trouble(session, "mailbox", mailbox.name, counts.trouble, since, page)
        else:
            mailbox.last_read_at = at
            mailbox.trouble = mailbox.trouble_since = None


def subject(mailbox: Mailbox) -> str:
    """A mailbox as the audit trail names it."""
    return f"mailbox {mailbox.name}"
