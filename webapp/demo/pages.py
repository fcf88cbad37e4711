"""The page where an administrator leaves the demo company and starts with data of their own."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.demo import own_data, removing
from webapp.demo.own_data import DemoNumbers
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.translation import N_, _
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash

starting_over = Blueprint("own_data", __name__)
PATH = "/own-data"
CHANGED = N_(
    "Something was added to the demo company at this moment. Nothing was removed: look at the numbers again."
)


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(starting_over)


@starting_over.before_request
def for_administrators() -> None:
    """What everyone sees is for those who see everything."""
    if not viewer().manages_users:
        abort(403, removing.FOR_ADMINS)


@starting_over.get(PATH)
def ask() -> ResponseReturnValue:
    """What would be removed, in numbers, or why it cannot be."""
    session, loaded = db.session, own_data.loaded_at(db.session)
    if loaded is None:
        return render_template("demo/own_data.html", numbers=None, objections=[])
    rows = own_data.demo_rows(session, loaded)
    numbers, objections = own_data.numbers(session, rows), own_data.objections(session, rows)
    return render_template(
        "demo/own_data.html", numbers=numbers, fields=asdict(numbers), objections=objections
    )


@starting_over.post(PATH)
def start() -> ResponseReturnValue:
    """Remove the demo company, as the page has said."""

    def effect(session: Session) -> tuple[str, Flash]:
        seen = DemoNumbers(**{name: request.form.get(name, 0, int) for name in DemoNumbers.__annotations__})
        told = removing.remove(session, viewer(), runtime().documents, seen)
        return "/", _(
            "The demo company is removed, with %(customers)s customers. Import your data next.",
            customers=told.customers,
        )

    try:
        return form_posts.apply_once(effect, back=PATH)
    except IntegrityError:
        return form_posts.refuse(CHANGED, PATH)
