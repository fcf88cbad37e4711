"""The page on which an administrator takes a copied database over, in words."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.errors import Refused
from webapp.runs import takeover
from webapp.store.db import db
from webapp.store.installation import held
from webapp.store.statuses import Role
from webapp.web import form_posts
from webapp.web.access_control import viewer

taking_over = Blueprint("takeover", __name__)

TAKEOVER_PAGE = "/takeover"


@taking_over.get(TAKEOVER_PAGE)
def page() -> ResponseReturnValue:
    """What it means that this database belongs to another secret key, and the form."""
    _admins_only()
    is_held = held(db.session) is not None
    return render_template(
        "runs/takeover.html", is_held=is_held, meaning=takeover.MEANING, words=takeover.WORDS
    )


@taking_over.post(TAKEOVER_PAGE)
def take_over() -> ResponseReturnValue:
    """Takes the database over, if the words are there."""
    _admins_only()
    typed = request.form.get("words", "")
    try:
        return form_posts.apply_once(lambda session: ("/runs", takeover.take_over(session, viewer(), typed)))
    except Refused as refusal:
        return form_posts.refuse(str(refusal), TAKEOVER_PAGE)


def _admins_only() -> None:
    if viewer().role != Role.ADMIN:
        abort(403, takeover.FOR_ADMINS)
