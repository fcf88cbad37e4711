"""The page of a mailbox: its state, and the check of its connection."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.bounces.mailboxes import address_of
from webapp.extensions import runtime
from webapp.settings import mailbox_states
from webapp.settings.kinds import MAILBOXES
from webapp.settings.setting_pages import page, stored
from webapp.store.db import db
from webapp.store.types import now
from webapp.translation import _, english
from webapp.web import user_limits
from webapp.web.access_control import viewer

CHECKS = BoundedSemaphore(2)
"""Checks at once, in this process: each may keep a thread of it for half a minute."""


def beside(session: Session, row: Any) -> dict[str, Any]:
    """What the page of a mailbox shows beside its form."""
    if row is None:
        return {"state": None, "checked": None}
    return {
        "state": mailbox_states.state(row),
        "senders": mailbox_states.senders_of(session, row),
        "place": mailbox_states.place(row),
        "checked": None,
        "checked_at": None,
    }


def add_pages(blueprint: Blueprint) -> None:
    """Register what only mailboxes have."""
    blueprint.add_url_rule("/mailboxes/<int:id>/check", "check_mailbox", check_mailbox, methods=["POST"])


def check_mailbox(id: int) -> ResponseReturnValue:
    """Check the connection as it is stored. Changes nothing but the audit trail."""
    mailbox = stored(MAILBOXES, id)
    user_limits.count(user_limits.TEST_MAILS, "connection checks")
    with english():
        address = address_of(mailbox, runtime().settings, runtime().database)
    db.end_reading()
    if not CHECKS.acquire(blocking=False):
        abort(503, _("Two connections are being checked already. Try again in half a minute."))
    try:
        with english():
            checked = mailbox_states.check(address)
    finally:
        CHECKS.release()
    with db.writing() as session:
        mailbox_states.note_check(session, viewer().name, mailbox, checked)
    mailbox = stored(MAILBOXES, id)
    more = {**beside(db.session, mailbox), "checked": checked, "checked_at": now()}
    return page(MAILBOXES, mailbox, more)
