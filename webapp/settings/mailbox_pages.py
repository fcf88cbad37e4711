"""The page of a mailbox: its state, and the check of its connection."""

from __future__ import annotations

from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.bounces.mailboxes import address_of
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.settings import check_pages, mailbox_states
from webapp.settings.kinds import MAILBOXES
from webapp.settings.setting_pages import stored
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
        return {**check_pages.UNCHECKED, "state": None}
    return {
        **check_pages.UNCHECKED,
        "state": mailbox_states.state(row),
        "senders": mailbox_states.senders_of(session, row),
        "place": mailbox_states.place(row),
    }


def add_pages(blueprint: Blueprint) -> None:
    """Register what only mailboxes have."""
    for rule in ("/mailboxes/new/check", "/mailboxes/<int:id>/check"):
        blueprint.add_url_rule(rule, "check_mailbox", check_mailbox, methods=["POST"])


def check_mailbox(id: int | None = None) -> ResponseReturnValue:
    """Check the connection as it is typed. Saves nothing: only the audit trail has it."""
    row = stored(MAILBOXES, id) if id is not None else None
    user_limits.count(user_limits.TEST_MAILS, "connection checks")
    pressed, wrong = check_pages.pressed(MAILBOXES, row, "settings/_check_mailbox.html", beside)
    if wrong:
        return pressed.answer({"problems": wrong}, status=422)
    values, secret = pressed.form.values(MAILBOXES), pressed.form.secret()
    try:
        mailbox = mailbox_states.as_typed(row, pressed.name or str(values["host"]), values, secret)
    except Refused as why:
        return pressed.answer({"problems": [str(why)]}, status=422)
    is_saved = pressed.is_saved
    with english():
        address = address_of(mailbox, runtime().settings, runtime().database)
    if secret and address.access_token is None:
        address = replace(address, password=secret, unreadable_password="")
    db.end_reading()
    if not CHECKS.acquire(blocking=False):
        abort(503, _("Two connections are being checked already. Try again in half a minute."))
    try:
        if leads := pressed.sent_before():
            return leads
        with english():
            checked = mailbox_states.check(address)
    finally:
        CHECKS.release()
    with db.writing() as session:
        mailbox_states.note_check(session, viewer().name, mailbox, checked, typed=not is_saved)
    more = {"checked": checked, "checked_at": now(), "type_again": bool(secret)}
    return replace(pressed, row=stored(MAILBOXES, id) if id is not None else None).answer(more)
