"""One customer, as a page: what is known of it, and the forms that change it."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import cluster_paths
from webapp.customers import addresses, bulk, cluster_ways, detail, editing
from webapp.customers.editing import Facts
from webapp.customers.list_pages import visible_customer
from webapp.customers.would import would_do
from webapp.edits import fingerprint
from webapp.errors import NotFound, Refused
from webapp.periods import period_words
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.db import db
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.form_posts import NOTHING_TYPED, RefusedForm
from webapp.web.htmx import is_htmx
from webapp.web.query_args import edge_in, id_in

customer_pages = Blueprint("customer_pages", __name__)


@customer_pages.get("/customers/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    refuse_unless(viewer().may_change)
    return _new_form(NOTHING_TYPED)


@customer_pages.post("/customers/new")
def create() -> ResponseReturnValue:
    """Add a customer, with the first address if one is given."""
    form = request.form

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        made = editing.add(session, viewer(), form.get("code", ""), _facts())
        key = id_in(form.get("key", ""))
        if form.get("address", "").strip() and key is not None:
            addresses.add_address(session, viewer(), made.id, key, form["address"], "")
        return f"/customers/{made.id}", _("%(name)s is added.", name=made.name)

    return form_posts.apply_once(
        effect, on_refusal=lambda reason: _new_form(RefusedForm("new", reason, form.to_dict()), 422)
    )


def _new_form(typed: RefusedForm, status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "customers/new.html",
        typed=typed,
        clusters=cluster_paths.cluster_tags(db.session, viewer()),
        keys=addresses.keys(db.session),
    )
    return make_response(page, status)


@customer_pages.get("/customers/<int:customer_id>")
def show(customer_id: int) -> ResponseReturnValue:
    """The customer."""
    return _page(visible_customer(customer_id), NOTHING_TYPED)


def _page(
    customer: Customer, typed: RefusedForm, *, revealed: str = "", status: int = 200
) -> ResponseReturnValue:
    session, who = db.session, viewer()
    facts = editing.facts_of(session, customer)
    groups = detail.key_groups(session, customer)
    fields = detail.metadata(session, customer, revealed)
    values = {
        each.name: editing.field_values(session, customer, each.name, is_secret=each.is_secret)
        for each in fields
    }
    page = render_template(
        "customers/customer.html",
        customer=customer,
        facts=facts,
        facts_seen=fingerprint(facts.values),
        ways=cluster_ways.ways_to(session, who, customer.cluster_id),
        clusters=cluster_paths.cluster_tags(session, who),
        groups=groups,
        seen={group.key.id: fingerprint(addresses.address_values(group.addresses)) for group in groups},
        fields=fields,
        fields_seen={name: fingerprint(value) for name, value in values.items()},
        revealed=revealed,
        would=would_do(session, who, customer),
        open=detail.open_invoices(session, customer),
        invoices=detail.invoices(session, customer),
        mails=detail.mails(session, who, customer, edge_in(request.args)),
        mail_count=detail.count_mails(session, who, customer),
        changes=detail.changes(session, customer),
        changes_of=detail.subject(customer),
        suspension=detail.suspension(session, customer),
        reach=bulk.reach(session, bulk.one(who, customer.id)),
        typed=typed,
        period_words=period_words,
    )
    return make_response(page, status)


def _facts() -> Facts:
    form = request.form
    return Facts(form.get("name", ""), form.get("cluster", ""), form.get("language", ""))


def _apply(customer_id: int, form: str, anchor: str, effect: form_posts.FormVerb) -> ResponseReturnValue:
    """Apply a change and come back to the page. One that is refused comes back with what was typed, beside
    what is stored now; a part of the page says why at its top, and keeps the text."""
    url = f"/customers/{visible_customer(customer_id).id}"

    def refused(reason: str) -> ResponseReturnValue:
        if is_htmx():
            return form_posts.refuse(reason, url)
        return _page(
            visible_customer(customer_id), RefusedForm(form, reason, request.form.to_dict()), status=422
        )

    to = url if is_htmx() else f"{url}#{anchor}"
    return form_posts.apply_once(lambda session: (to, effect(session)), on_refusal=refused)


@customer_pages.post("/customers/<int:customer_id>/facts")
def change_facts(customer_id: int) -> ResponseReturnValue:
    """Change name, cluster and language."""

    def effect(session: Session) -> str:
        seen = request.form.get("seen", "")
        changed = editing.change_facts(session, viewer(), customer_id, _facts(), seen)
        return _("Saved. Existing runs keep their list.") if changed else _("Nothing has changed.")

    return _apply(customer_id, "facts", "facts", effect)


@customer_pages.post("/customers/<int:customer_id>/addresses")
def add_address(customer_id: int) -> ResponseReturnValue:
    """Add an address under a recipient key."""
    form, key = request.form, id_in(request.form.get("key", "")) or abort(400)

    def effect(session: Session) -> str:
        made = addresses.add_address(
            session, viewer(), customer_id, key, form.get("address", ""), form.get("display_name", "")
        )
        return _("Saved. %(address)s is added.", address=made.address)

    name = "would" if form.get("from") == "would" else "new"
    return _apply(customer_id, f"{name}-{key}", "addresses", effect)


@customer_pages.post("/customers/<int:customer_id>/addresses/<int:address_id>")
def change_address(customer_id: int, address_id: int) -> ResponseReturnValue:
    """Put another address or display name in this one's place."""
    form = request.form
    _of_customer(customer_id, address_id)

    def effect(session: Session) -> str:
        changed = addresses.change_address(
            session,
            viewer(),
            address_id,
            form.get("address", ""),
            form.get("display_name", ""),
            form.get("seen", ""),
        )
        return _("Saved. Mails go to %(address)s from now on.", address=changed.address)

    return _apply(customer_id, f"address-{address_id}", "addresses", effect)


@customer_pages.post("/customers/<int:customer_id>/addresses/<int:address_id>/remove")
def remove_address(customer_id: int, address_id: int) -> ResponseReturnValue:
    """Remove an address."""
    _of_customer(customer_id, address_id)

    def effect(session: Session) -> str:
        removed = addresses.remove_address(session, viewer(), address_id, request.form.get("seen", ""))
        return _("%(address)s is removed.", address=removed.address)

    return _apply(customer_id, f"address-{address_id}", "addresses", effect)


def _of_customer(customer_id: int, address_id: int) -> None:
    """Ends the request with 404 for an address of another customer. One that is gone by now is refused later,
    so that what was typed is not lost."""
    owner = db.session.scalar(select(CustomerEmail.customer_id).where(CustomerEmail.id == address_id))
    if owner not in (None, customer_id):
        abort(404)


@customer_pages.post("/customers/<int:customer_id>/metadata")
def set_field(customer_id: int) -> ResponseReturnValue:
    """Set a field of the metadata, or remove it with an empty value."""
    form = request.form
    name = form.get("name", "").strip()

    def effect(session: Session) -> str:
        value = form.get("password_value") or form.get("value", "").strip()
        changed = editing.set_field(session, viewer(), customer_id, name, value, form.get("seen"))
        if not changed:
            return _("Nothing has changed.")
        return (
            _("Saved. “%(name)s” is set.", name=name)
            if value
            else _("Saved. “%(name)s” is removed.", name=name)
        )

    known = form.get("seen") is not None
    return _apply(customer_id, f"field-{name}" if known else "field", "metadata", effect)


@customer_pages.post("/customers/<int:customer_id>/metadata/show")
def show_secret(customer_id: int) -> ResponseReturnValue:
    """The page with one secret field readable. That a person asked is noted."""
    name = request.form.get("name", "")
    visible_customer(customer_id)
    try:
        with db.writing() as session:
            editing.note_shown(session, viewer(), customer_id, name)
    except NotFound:
        abort(404)
    try:
        return _page(visible_customer(customer_id), NOTHING_TYPED, revealed=name)
    except Refused as unreadable:
        return form_posts.refuse(str(unreadable), f"/customers/{customer_id}#metadata")


@customer_pages.post("/customers/<int:customer_id>/suspension")
def suspend(customer_id: int) -> ResponseReturnValue:
    """Have every run skip the customer."""
    reason = request.form.get("reason", "").strip()[: bulk.REASON_MAX]

    def effect(session: Session) -> str:
        changed = bulk.suspend(session, viewer(), bulk.one(viewer(), customer_id), reason)
        return _("Suspended. Every run skips this customer.") if changed else _("Suspended already.")

    return _apply(customer_id, "suspend", "suspend", effect)


@customer_pages.post("/customers/<int:customer_id>/suspension/end")
def resume(customer_id: int) -> ResponseReturnValue:
    """End the suspension."""

    def effect(session: Session) -> str:
        changed = bulk.resume(session, viewer(), bulk.one(viewer(), customer_id))
        if not changed:
            return _("Active already.")
        return _("The suspension is over. New runs include this customer.")

    return _apply(customer_id, "suspend", "suspend", effect)
