"""A customer's data exported, and erased. Registers the room."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import visible_to
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.privacy import erasing, reach
from webapp.privacy.exporting import customer_data
from webapp.store.customers import Customer
from webapp.store.db import db
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.capacity import as_download

personal_data = Blueprint("personal_data", __name__)
EXPORT = "export customer"
"""The action in the audit trail."""


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(personal_data)


def _visible(customer_id: int) -> Customer:
    ours = (Customer.id == customer_id, visible_to(viewer(), Customer))
    return db.session.scalar(select(Customer).where(*ours)) or abort(404)


@personal_data.get("/customers/<int:customer_id>/data.zip")
def export(customer_id: int) -> ResponseReturnValue:
    """Everything about this customer, as a ZIP generated as it is read."""
    refuse_unless(viewer().may_change)
    parts, customer = runtime(), _visible(customer_id)
    with db.writing() as session:
        audit.note(session, viewer().name, EXPORT, f"customer {customer.code}")
    pieces = as_download(customer_data(parts.database, parts.documents, customer.id))
    headers = {"Content-Disposition": f"attachment; filename=mailrun-customer-{customer.id}.zip"}
    return Response(pieces, mimetype="application/zip", headers=headers)


@personal_data.get("/customers/<int:customer_id>/erasure")
def ask(customer_id: int) -> ResponseReturnValue:
    """What erasing the customer's personal data would touch, in numbers, and what stays and why."""
    return _question(_visible(customer_id), "")


@personal_data.post("/customers/<int:customer_id>/erasure")
def erase(customer_id: int) -> ResponseReturnValue:
    """Erase them, once the code is typed."""
    customer = _visible(customer_id)
    url = f"/customers/{customer.id}"

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        erasing.erase(session, viewer(), customer_id, request.form.get("code", ""))
        told = _(
            "The personal data of %(code)s are erased. Its documents go within a minute.", code=customer.code
        )
        return url, told

    return form_posts.apply_once(effect, on_refusal=lambda why: _question(_visible(customer_id), why, 422))


def _question(customer: Customer, wrong: str, status: int = 200) -> ResponseReturnValue:
    refuse_unless(viewer().may_erase)
    objection = ""
    try:
        reach.must_be_erasable(db.session, customer)
    except Refused as why:
        objection = str(why)
    page = render_template(
        "privacy/erase.html",
        customer=customer,
        reach=reach.of_customer(db.session, customer),
        objection=objection,
        wrong=wrong if wrong != objection else "",
    )
    return make_response(page, status)
