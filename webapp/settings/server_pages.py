"""The page of a mail server: its state, and the check of its connection."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.settings import oauth_card, servers, storing
from webapp.settings.kinds import SERVERS
from webapp.settings.setting_pages import page, stored
from webapp.store.db import db
from webapp.store.types import now
from webapp.translation import _
from webapp.web import form_posts, user_limits
from webapp.web.access_control import viewer

CHECKS = BoundedSemaphore(2)
"""Checks at once, in this process: each may keep a thread of it for half a minute."""


def beside(session: Session, row: Any) -> dict[str, Any]:
    """What the page of a server shows beside its form."""
    if row is None:
        return {"state": None, "checked": None}
    state = servers.states(session, viewer())[row.id]
    shown = {"state": state, "checked": None, "checked_at": None, "recipient": viewer().name}
    chosen = request.args.get("oauth", "")
    return {**shown, **oauth_card.beside(session, row, chosen), "redirect_uri": redirect_uri()}


def redirect_uri() -> str:
    """Where a person comes back to from a provider, whole, as it must be entered there."""
    return request.url_root.rstrip("/") + oauth_card.BACK


def add_pages(blueprint: Blueprint) -> None:
    """Register what only mail servers have."""
    blueprint.add_url_rule("/servers/<int:id>/check", "check_connection", check_connection, methods=["POST"])
    blueprint.add_url_rule("/servers/<int:id>/try", "try_now", try_now, methods=["POST"])


def check_connection(id: int) -> ResponseReturnValue:
    """Check the connection as it is stored, send a test mail if that was pressed, and show the conversation.
    Changes nothing but the audit trail, so a second press does no harm."""
    server = stored(SERVERS, id)
    user_limits.count(user_limits.TEST_MAILS, "connection checks")
    typed = request.form.get("recipient", "").strip()
    sends = "send" in request.form
    try:
        recipient = checked_address(typed) if typed or sends else ""
    except BadAddress as problem:
        more = {**beside(db.session, server), "recipient": typed, "wrong_recipient": f"{problem}."}
        return page(SERVERS, server, more, status=422)
    plan = servers.plan_check(db.session, server, recipient, test_mail_for=viewer().name if sends else "")
    db.end_reading()
    if not CHECKS.acquire(blocking=False):
        abort(503, _("Two connections are being checked already. Try again in half a minute."))
    try:
        checked = plan.run(runtime().settings, runtime().database)
    finally:
        CHECKS.release()
    with db.writing() as session:
        servers.note_check(session, viewer().name, server, checked)
    server = stored(SERVERS, id)
    more = {**beside(db.session, server), "checked": checked, "checked_at": now(), "recipient": typed}
    return page(SERVERS, server, more)


def try_now(id: int) -> ResponseReturnValue:
    """Have the server tried at once."""
    stored(SERVERS, id)
    return form_posts.apply_once(
        lambda session: (f"/servers/{id}", storing.try_now(session, viewer(), id)), back=f"/servers/{id}"
    )
