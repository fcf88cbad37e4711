"""The rows behind an oddity: the invoices of its list, and why each is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, aliased

from webapp import keyset
from webapp.keyset import Counted, Edge, Order, Page
from webapp.oddities import comparison, kinds
from webapp.oddities.domains import domain_of, is_known
from webapp.oddities.finding import Looked, invoices_of, looked_at
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import Mails
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Reservation
from webapp.translation import N_

ORDERS: dict[str, Order[Invoice]] = {
    "": Order(
        N_("Period"), Invoice.period_start, lambda invoice: str(invoice.period_start), date.fromisoformat
    )
}


@dataclass
class OddInvoice:
    """An invoice in the list of an oddity. `notes` say why, as far as it is not plain: addresses, domains,
    file names, names of definitions. `usual`: the customer's usual amount."""

    invoice_id: int
    number: str
    period: tuple[date, date]
    currency: str
    gross: Decimal
    customer_id: int
    code: str
    name: str
    notes: list[str] = field(default_factory=list)
    usual: Decimal | None = None

    @property
    def id(self) -> int:
        return self.invoice_id

    @property
    def place(self) -> str:
        """Its position in the list, as a cursor says it beside the id."""
        return f"{self.period[0]}~{self.period[1]}"


def listed(
    session: Session, mails: Mails, kind: OddityKind, edge: Edge | None, size: int = keyset.PAGE_SIZE
) -> tuple[Page[OddInvoice], Counted]:
    """A page of the list of this kind, by period and then as the invoices came in, and how many there are.
    Raises ValueError for an edge that cannot be, or a kind without a list."""
    if kind in (OddityKind.NUMBER, OddityKind.AMOUNT):
        raise ValueError(f"there is no list {kind}")
    looked = looked_at(mails, comparison.last_comparable(session, mails))
    query = invoices_of(session, looked).get(kind)
    ids = sorted(set(session.scalars(query))) if query is not None else []
    place = (Invoice.period_start, Invoice.period_end, Invoice.id)
    rows = (
        select(Invoice, Customer.code, Customer.name)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(id_in(session, Invoice.id, ids))
    )
    if edge:
        first, last = (date.fromisoformat(day) for day in edge.value.split("~"))
        mark = tuple_(first, last, edge.id)
        rows = rows.where(tuple_(*place) < mark if edge.backwards else tuple_(*place) > mark)
    rows = rows.order_by(*keyset.order(edge, *place)).limit(size + 1)
    found = [_row(*row) for row in session.execute(rows)]
    page = keyset.page(found, edge, [keyset.cursor(row.id, row.place) for row in found], size)
    _add_notes(session, looked, kind, page.rows)
    return page, Counted(len(ids))


def _row(invoice: Invoice, code: str, name: str) -> OddInvoice:
    period = (invoice.period_start, invoice.period_end)
    amount = (invoice.currency, invoice.gross_amount)
    return OddInvoice(invoice.id, invoice.number, period, *amount, invoice.customer_id, code, name)


def _add_notes(session: Session, looked: Looked, kind: OddityKind, rows: Sequence[OddInvoice]) -> None:
    """Add to every row why it is there."""
    if kind is OddityKind.LARGE:
        return _add_usual(session, looked.mails, rows)
    invoices, customers = {row.invoice_id for row in rows}, {row.customer_id for row in rows}
    to = looked.to.c
    theirs = id_in(session, to.customer_id, customers)
    query: Any
    match kind:
        case OddityKind.SHARED:
            shared = to.address.in_(kinds.shared_addresses(looked.to))
            query = select(to.customer_id, to.address).where(theirs, shared)
        case OddityKind.NEW_DOMAIN:
            domain = domain_of(to.address)
            query = select(to.customer_id, domain).where(theirs, ~is_known(looked.mails.viewer, domain))
        case OddityKind.MAILED_BEFORE:
            query = _definitions(session, looked.mails, invoices)
        case OddityKind.UNNAMED:
            query = _file_names(session, looked.mails, invoices)
        case _:
            return None
    notes = defaultdict(list)
    for id, note in session.execute(query.distinct().order_by(*query.selected_columns)):
        notes[id].append(note)
    of_customers = kind in (OddityKind.SHARED, OddityKind.NEW_DOMAIN)
    for row in rows:
        row.notes = notes[row.customer_id if of_customers else row.invoice_id]
    return None


def _definitions(session: Session, mails: Mails, invoices: set[int]) -> Any:
    """(invoice id, name) of the other definitions that have mailed these invoices."""
    return (
        select(Reservation.invoice_id, MessageDefinition.name)
        .join(MessageDefinition, MessageDefinition.id == Reservation.definition_id)
        .where(
            id_in(session, Reservation.invoice_id, invoices),
            Reservation.definition_id != mails.definition_id,
        )
    )


def _file_names(session: Session, mails: Mails, invoices: set[int]) -> Any:
    """(invoice id, file name) of the documents that do not name the amount."""
    return select(TransformationResult.invoice_id, TransformationResult.file_name).where(
        id_in(session, TransformationResult.invoice_id, invoices),
        TransformationResult.unnamed_amount.is_not(None),
        TransformationResult.transformation_id.in_(mails.transformations),
    )


def _add_usual(session: Session, mails: Mails, rows: Sequence[OddInvoice]) -> None:
    """Add the usual amount of each row's customer: the median of what `kinds.large` compares with, and of an
    even number the higher of the two in the middle."""
    ids = {row.invoice_id for row in rows}
    now = select(Invoice).where(id_in(session, Invoice.id, ids)).subquery("now")
    earlier = aliased(Invoice, name="earlier")
    amounts = defaultdict(list)
    for invoice_id, amount in session.execute(
        select(now.c.id, earlier.gross_amount).where(*kinds.is_earlier(mails, earlier, now))
    ):
        amounts[invoice_id].append(amount)
    for row in rows:
        if of_customer := sorted(amounts[row.invoice_id]):
            row.usual = of_customer[len(of_customer) // 2]
