"""One invoice, as a page: what is known of it, and the forms that change it."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import since_mailed
from webapp.access import visible_to
from webapp.edits import fingerprint
from webapp.extensions import runtime
from webapp.invoices import detail, document_editing, editing
from webapp.periods import period_words
from webapp.selection import today
from webapp.store.db import db
from webapp.store.invoices import Invoice
from webapp.translation import _
from webapp.web import form_posts, untrusted
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.form_posts import NOTHING_TYPED, RefusedForm
from webapp.web.htmx import is_htmx

invoice_pages = Blueprint("invoice_pages", __name__)


@invoice_pages.get("/invoices/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    refuse_unless(viewer().may_change)
    return _new_form(RefusedForm(values=request.args.to_dict(), form="new"))


@invoice_pages.post("/invoices/new")
def create() -> ResponseReturnValue:
    """Add an invoice."""
    form = request.form

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        made = editing.add(session, viewer(), form.get("number", ""), form.get("customer", ""), form)
        return (
            f"/invoices/{made.id}",
            _("%(number)s is added. It is open: approve it, and runs can mail it.", number=made.number),
        )

    return form_posts.apply_once(
        effect, on_refusal=lambda reason: _new_form(RefusedForm("new", reason, form.to_dict()), 422)
    )


def _new_form(typed: RefusedForm, status: int = 200) -> ResponseReturnValue:
    return make_response(render_template("invoices/new.html", typed=typed, fields=editing.FIELDS), status)


def visible_invoice(invoice_id: int) -> Invoice:
    """The invoice in the address. Ends the request with 404 if there is none that this person may see."""
    found = db.session.scalar(select(Invoice).where(Invoice.id == invoice_id, visible_to(viewer(), Invoice)))
    return found or abort(404)


@invoice_pages.get("/invoices/<int:invoice_id>")
def show(invoice_id: int) -> ResponseReturnValue:
    """The invoice."""
    return _page(visible_invoice(invoice_id), NOTHING_TYPED)


def _page(invoice: Invoice, typed: RefusedForm, *, status: int = 200) -> ResponseReturnValue:
    session, who = db.session, viewer()
    facts = editing.facts_of(invoice)
    customer, cluster = detail.customer_of(session, invoice)
    groups = detail.document_groups(session, invoice)
    mails = detail.mails(session, who, invoice)
    period = (invoice.period_start, invoice.period_end)
    since = since_mailed.load(session, [invoice]).get(invoice.id)
    page = render_template(
        "invoices/invoice.html",
        invoice=invoice,
        customer=customer,
        cluster=cluster,
        facts=facts,
        fields=editing.FIELDS,
        facts_seen=fingerprint(facts),
        groups=groups,
        seen={
            group.transformation.id: fingerprint(document_editing.document_values(group.documents))
            for group in groups
        },
        said=detail.said,
        may_be_shown=untrusted.may_be_shown,
        mails=mails,
        since=since,
        files=detail.carried_files(session, invoice, since.result_id, runtime().documents) if since else None,
        named=since_mailed.named,
        would=today.would_do(session, who, customer, period, Invoice.id == invoice.id),
        data={name: editing.text_of(value) for name, value in sorted(invoice.data.items())},
        data_seen={name: fingerprint({name: editing.text_of(value)}) for name, value in invoice.data.items()},
        changes=detail.changes(session, invoice),
        changes_of=detail.subject(invoice),
        approval=detail.approval(session, invoice),
        typed=typed,
        period_words=period_words,
    )
    return make_response(page, status)


def apply_to_invoice(
    invoice_id: int, form: str, anchor: str, effect: form_posts.FormVerb
) -> ResponseReturnValue:
    """Apply a change and come back to the page. One that is refused comes back with what was typed, beside
    what is stored now; a part of the page says why at its top, and keeps the text."""
    url = f"/invoices/{visible_invoice(invoice_id).id}"
    to = url if is_htmx() else f"{url}#{anchor}"
    return form_posts.apply_once(
        lambda session: (to, effect(session)), on_refusal=lambda reason: refuse_form(invoice_id, form, reason)
    )


def refuse_form(invoice_id: int, form: str, reason: str) -> ResponseReturnValue:
    """The page with this form as it was filled in, and why nothing was changed."""
    invoice = visible_invoice(invoice_id)
    if is_htmx():
        return form_posts.refuse(reason, f"/invoices/{invoice.id}")
    return _page(invoice, RefusedForm(form, reason, request.form.to_dict()), status=422)


@invoice_pages.post("/invoices/<int:invoice_id>/facts")
def change_facts(invoice_id: int) -> ResponseReturnValue:
    """Change days, currency and amounts."""

    def effect(session: Session) -> str:
        seen = request.form.get("seen", "")
        changed = editing.change_facts(session, viewer(), invoice_id, request.form, seen)
        return _("Saved. Mails already sent stay as they are.") if changed else _("Nothing has changed.")

    return apply_to_invoice(invoice_id, "facts", "facts", effect)


@invoice_pages.post("/invoices/<int:invoice_id>/data")
def set_field(invoice_id: int) -> ResponseReturnValue:
    """Set a field of the free data, or remove it with an empty value."""
    form = request.form
    name, value = form.get("name", "").strip(), form.get("value", "").strip()

    def effect(session: Session) -> str:
        changed = editing.set_field(session, viewer(), invoice_id, name, value, form.get("seen"))
        if not changed:
            return _("Nothing has changed.")
        if value:
            return _("Saved. “%(name)s” is set.", name=name)
        return _("Saved. “%(name)s” is removed.", name=name)

    known = form.get("seen") is not None
    return apply_to_invoice(invoice_id, f"field-{name}" if known else "field", "data", effect)
