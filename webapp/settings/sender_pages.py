"""The page of a sender: what its domain says in DNS."""

from __future__ import annotations

import re
from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.mailing.addresses import wire_address
from webapp.settings import check_pages
from webapp.settings.kinds import SENDERS
from webapp.settings.sender_domain import NotAsked, check_domain
from webapp.settings.setting_pages import stored
from webapp.store.db import db
from webapp.store.types import now
from webapp.translation import _
from webapp.web import user_limits

CHECKS = BoundedSemaphore(2)
"""Checks at once, in this process: each may keep a thread of it for some seconds."""
SELECTOR = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*", re.IGNORECASE)
SELECTOR_MAX = 100


def beside(session: Session, row: Any) -> dict[str, Any]:
    """What the page of a sender shows beside its form."""
    return {**check_pages.UNCHECKED, "findings": None, "not_asked": "", "selector": "", "wrong_selector": ""}


def add_pages(blueprint: Blueprint) -> None:
    """Register what only senders have."""
    blueprint.add_url_rule("/senders/<int:id>/domain", "domain_of_sender", domain, methods=["POST"])


def domain(id: int) -> ResponseReturnValue:
    """Ask DNS about the domain of the sender as it is typed, and show what it says. Changes nothing."""
    sender = stored(SENDERS, id)
    user_limits.count(user_limits.TEST_MAILS, "domain checks")
    pressed, wrong = check_pages.pressed(SENDERS, sender, "settings/_domain.html", beside)
    selector = request.form.get("selector", "").strip()
    more = {**beside(db.session, sender), "selector": selector, "problems": wrong}
    if selector and (len(selector) > SELECTOR_MAX or not SELECTOR.fullmatch(selector)):
        more["wrong_selector"] = _("A selector is letters, digits, hyphens and dots: “selector1”.")
    if wrong or more["wrong_selector"]:
        return pressed.answer(more, status=422)
    typed = pressed.form.values(SENDERS)
    address = wire_address(typed["address"])
    bounces = wire_address(typed["envelope_sender"] or typed["address"])
    db.end_reading()
    if not CHECKS.acquire(blocking=False):
        abort(503, _("Two domains are being checked already. Try again in some seconds."))
    try:
        if leads := pressed.sent_before():
            return leads
        more["findings"] = check_domain(address, bounces, selector)
    except NotAsked as why:
        more["not_asked"] = str(why)
    finally:
        CHECKS.release()
    return replace(pressed, row=stored(SENDERS, id)).answer({**more, "checked_at": now()})
