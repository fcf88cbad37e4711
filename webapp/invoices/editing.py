"""Changes of one invoice by a person: under the lock of its row, refused if another person changed the same
since, in the audit trail with what was there before, and with what the source said remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, edits, found_by, notation, since_mailed, sources
from webapp.access import Viewer, visible_to
from webapp.errors import NotFound, Refused
from webapp.imports import values
from webapp.invoices.detail import subject
from webapp.invoices.orders import amount_in
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus, SourceSubject
from webapp.translation import N_, _, translated

NUMBER_MAX, FIELD_MAX, VALUE_MAX = 100, 100, 4_000


def _day(text: str) -> date:
    return date.fromisoformat(values.day(text))


def _day_or_none(text: str) -> date | None:
    return _day(text) if text else None


def _amount(text: str) -> Decimal:
    values.amount(scaled=False)(text)
    return amount_in(text)


FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "period_start": (N_("Period from"), _day),
    "period_end": (N_("Period to"), _day),
    "issue_date": (N_("Issue date"), _day),
    "due_date": (N_("Due date"), _day_or_none),
    "currency": (N_("Currency"), values.currency),
    "net_amount": (N_("Net amount"), _amount),
    "tax_amount": (N_("Tax"), _amount),
    "gross_amount": (N_("Gross amount"), _amount),
}
"""The fields that a person fills in, by column: what it is called, and how it is read."""
RULES = (
    N_("a date is written YYYY-MM-DD"),
    N_("there is no such day"),
    N_("a currency is three capital letters, such as EUR"),
    N_("an amount is written like 1234.50 or -12, with a point, at most 14 digits before and 4 after it"),
)
"""How `imports.values` ends its words about a value that it refuses."""


def locked(session: Session, viewer: Viewer, invoice_id: int) -> Invoice:
    """The invoice, locked until the end of this transaction. Raises NotFound."""
    found = session.scalar(
        select(Invoice)
        .where(Invoice.id == invoice_id, visible_to(viewer, Invoice))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such invoice."))
    return found


def facts_of(invoice: Invoice) -> dict[str, str]:
    """The fields as a person reads and writes them, by column."""
    stored = ((name, getattr(invoice, name)) for name in FIELDS)
    return {name: "" if value is None else str(value) for name, value in stored}


def _read(given: Mapping[str, str]) -> dict[str, Any]:
    """The fields as they are stored. Raises Refused."""
    found = {}
    for name, (label, read) in FIELDS.items():
        text = given.get(name, "").strip()
        try:
            found[name] = read(text)
        except ValueError as problem:
            rule = translated(str(problem).rpartition("; ")[2])
            shown = values.shown(text)
            raise Refused(
                _("%(field)s is %(value)s; %(rule)s.", field=_(label), value=shown, rule=rule)
            ) from None
    if found["period_end"] < found["period_start"]:
        raise Refused(_("The period ends before it begins."))
    return found


def add(
    session: Session, viewer: Viewer, number: str, customer_code: str, given: Mapping[str, str]
) -> Invoice:
    """Add an open invoice. Raises Refused."""
    number = _line(_("The number"), number, NUMBER_MAX)
    code = customer_code.strip()
    payer = session.scalar(select(Customer).where(Customer.code == code, visible_to(viewer, Customer)))
    if payer is None:
        raise Refused(
            _("There is no customer %(code)s. Type another code, or add it.", code=code)
            if code
            else _("There is no customer without a code. Type another code, or add it.")
        )
    if taken := session.scalar(select(Invoice).where(Invoice.number == number)):
        edits.refuse_taken(session, viewer, "invoice", number, taken)
    made = Invoice(number=number, customer_id=payer.id, status=InvoiceStatus.OPEN, data={}, **_read(given))
    session.add(made)
    session.flush()
    found_by.index_invoices(session, select(Invoice.id).where(Invoice.id == made.id))
    audit.note(session, viewer.name, "add", subject(made), f"{payer.code}, {payer.name}")
    return made


def change_facts(
    session: Session, viewer: Viewer, invoice_id: int, given: Mapping[str, str], seen: str
) -> bool:
    """Change days, currency and amounts; returns whether anything differs. Raises Refused and NotFound."""
    invoice = locked(session, viewer, invoice_id)
    before = facts_of(invoice)
    edits.refuse_if_changed(session, subject(invoice), before, seen)
    for name, value in _read(given).items():
        old = getattr(invoice, name)
        if old != value:
            sources.remember(session, SourceSubject.INVOICE, invoice.id, name, old)
            setattr(invoice, name, value)
    session.flush()
    since_mailed.mark(session, Invoice.id == invoice.id)
    session.refresh(invoice)
    return edits.note_change(session, viewer.name, subject(invoice), before, facts_of(invoice))


def set_field(
    session: Session, viewer: Viewer, invoice_id: int, name: str, value: str, seen: str | None
) -> bool:
    """Set a field of the free data, or remove it with an empty value; returns whether anything differs.
    Without `seen` the field must be empty still. Raises Refused and NotFound."""
    invoice = locked(session, viewer, invoice_id)
    name = _line(_("The name of the field"), name, FIELD_MAX)
    if len(value) > VALUE_MAX:
        raise Refused(
            _(
                "The value has %(num)s characters; at most %(most)s are kept.",
                num=notation.number(len(value)),
                most=notation.number(VALUE_MAX),
            )
        )
    old = invoice.data.get(name)
    expected = edits.fingerprint({name: ""}) if seen is None else seen
    edits.refuse_if_changed(session, subject(invoice), {name: text_of(old)}, expected)
    if text_of(old) == value:
        return False
    if name in invoice.data:
        sources.remember(session, SourceSubject.INVOICE, invoice.id, f"data.{name}", old)
    kept = {key: each for key, each in invoice.data.items() if key != name}
    invoice.data = {**kept, name: value} if value else kept
    edits.note_change(session, viewer.name, subject(invoice), {name: text_of(old)}, {name: value})
    return True


def text_of(value: Any) -> str:
    """A value of the free data as a person reads and writes it."""
    return "" if value is None else str(value)


def _line(what: str, text: str, most: int) -> str:
    value = text.strip()
    try:
        return str(values.text(most)(value))
    except ValueError:
        raise Refused(edits.why_no_line(what, value, most)) from None
