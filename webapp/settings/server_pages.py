"""The page of a mail server: its state, and the check of its connection."""

from __future__ import annotations

from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.settings import check_pages, oauth_card, servers, storing
from webapp.settings.forms import caught_here
from webapp.settings.kinds import SERVERS
from webapp.settings.setting_pages import stored
from webapp.store.db import db
from webapp.store.types import now
from webapp.translation import _
from webapp.web import form_posts, user_limits
from webapp.web.access_control import viewer

CHECKS = BoundedSemaphore(2)
"""Checks at once, in this process: each may keep a thread of it for half a minute."""


def beside(session: Session, row: Any) -> dict[str, Any]:
    """What the page of a server shows beside its form."""
    shown: dict[str, Any] = {
        **check_pages.UNCHECKED,
        "state": None,
        "wrong_recipient": "",
        "recipient": viewer().name,
    }
    if row is None:
        return {**shown, "has_catcher": caught_here()}
    shown["state"] = servers.states(session, viewer())[row.id]
    chosen = request.args.get("oauth", "")
    return {**shown, **oauth_card.beside(session, row, chosen), "redirect_uri": redirect_uri()}


def redirect_uri() -> str:
    """Where a person comes back to from a provider, whole, as it must be entered there."""
    return request.url_root.rstrip("/") + oauth_card.BACK


def add_pages(blueprint: Blueprint) -> None:
    """Register what only mail servers have."""
    for rule in ("/servers/new/check", "/servers/<int:id>/check"):
        blueprint.add_url_rule(rule, "check_connection", check_connection, methods=["POST"])
    blueprint.add_url_rule("/servers/<int:id>/try", "try_now", try_now, methods=["POST"])


def check_connection(id: int | None = None) -> ResponseReturnValue:
    """Check the connection as it is typed, send a test mail if that was pressed, and show the conversation.
    Saves nothing: only the audit trail has it."""
    row = stored(SERVERS, id) if id is not None else None
    user_limits.count(user_limits.TEST_MAILS, "connection checks")
    pressed, wrong = check_pages.pressed(SERVERS, row, "settings/_check.html", beside)
    form, typed = pressed.form, request.form.get("recipient", "").strip()
    more: dict[str, Any] = {"recipient": typed, "problems": wrong, "wrong_recipient": ""}
    sends = "send" in request.form
    try:
        recipient = checked_address(typed) if typed or sends else ""
    except BadAddress as problem:
        more["wrong_recipient"] = f"{problem}."
    if wrong or more["wrong_recipient"]:
        return pressed.answer(more, status=422)
    values, secret = form.values(SERVERS), form.secret()
    try:
        server = servers.as_typed(row, pressed.name or values["host"], values, secret)
    except Refused as why:
        return pressed.answer({**more, "problems": [str(why)]}, status=422)
    who, is_saved = viewer().name, pressed.is_saved
    plan = servers.plan_check(
        db.session, server, recipient, test_mail_for=who if sends else "", password=secret or ""
    )
    db.end_reading()
    if not CHECKS.acquire(blocking=False):
        abort(503, _("Two connections are being checked already. Try again in half a minute."))
    try:
        if leads := pressed.sent_before():
            return leads
        checked = plan.run(runtime().settings, runtime().database)
    finally:
        CHECKS.release()
    with db.writing() as session:
        servers.note_check(session, who, server, checked, typed=not is_saved)
    more.update(checked=checked, checked_at=now(), type_again=bool(secret))
    return replace(pressed, row=stored(SERVERS, id) if id is not None else None).answer(more)


def try_now(id: int) -> ResponseReturnValue:
    """Have the server tried at once."""
    stored(SERVERS, id)
    return form_posts.apply_once(
        lambda session: (f"/servers/{id}", storing.try_now(session, viewer(), id)), back=f"/servers/{id}"
    )
