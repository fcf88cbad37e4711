"""The page where an administrator takes over a copied database."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.runs import takeover
from webapp.store.db import db
from webapp.store.installation import held
from webapp.store.statuses import Role
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import viewer

taking_over = Blueprint("takeover", __name__)

TAKEOVER_PAGE = "/takeover"


@taking_over.get(TAKEOVER_PAGE)
def page() -> ResponseReturnValue:
    """What it means that this database belongs to another secret key, with the form."""
    _admins_only()
    is_held = held(db.session) is not None
    return render_template(
        "runs/takeover.html", is_held=is_held, meaning=takeover.MEANING, words=takeover.WORDS
    )


@taking_over.post(TAKEOVER_PAGE)
def take_over() -> ResponseReturnValue:
    """Take the database over if the words were typed."""
    _admins_only()
    typed = request.form.get("words", "")
    return form_posts.apply_once(
        lambda session: ("/runs", takeover.take_over(session, viewer(), typed)), back=TAKEOVER_PAGE
    )


def _admins_only() -> None:
    if viewer().role != Role.ADMIN or viewer().clusters:
        abort(403, _(takeover.FOR_ADMINS))
