"""What a run would do today, for one customer: the preview's own rules (selection/eligibility.py), over the
period of its latest invoice, for each definition in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionTransformation, MessageDefinition
from webapp.store.invoices import Invoice, Transformation
from webapp.store.runs import Reservation, Result
from webapp.store.statuses import SkipReason

INVOICES_MAX = 50
"""Invoices of the period that are looked at."""


@dataclass
class WouldLine:
    """What one definition would do with some invoices: send them (no `reason`), or skip them. `addresses` are
    where they would go; `transformations` the documents; `mailed` the result that has mailed the first
    one."""

    definition: MessageDefinition
    key: str
    reason: str
    invoices: list[Invoice] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    transformations: list[str] = field(default_factory=list)
    mailed: Result | None = None

    @property
    def id(self) -> str:
        """A name for the line within the page."""
        return f"would-{self.definition.id}-{self.reason or 'sent'}"

    @property
    def numbers(self) -> str:
        """The invoices in words: NT-1, or NT-1 and 4 more"""
        more = len(self.invoices) - 1
        return self.invoices[0].number + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Would:
    """The lines, and the period they are about; none for a customer without an invoice."""

    period: tuple[date, date] | None
    lines: list[WouldLine]


def would_do(session: Session, viewer: Viewer, customer: Customer) -> Would:
    """What a run with each definition in use would do with the customer's invoices of its latest period."""
    period = _latest_period(session, customer)
    if period is None:
        return Would(None, [])
    definitions = session.scalars(
        select(MessageDefinition)
        .where(MessageDefinition.retired_at.is_(None))
        .order_by(MessageDefinition.name)
    ).all()
    attached = _transformations(session)
    addresses = _addresses(session, customer)
    lines = []
    for definition in definitions:
        names = attached[definition.id]
        for line in _lines(session, customer, definition, period, list(names)):
            line.transformations = list(names.values())
            line.addresses = addresses[definition.recipient_key_id]
            lines.append(line)
    _add_mails(session, viewer, lines)
    return Would(period, lines)


def _latest_period(session: Session, customer: Customer) -> tuple[date, date] | None:
    row = session.execute(
        select(Invoice.period_start, Invoice.period_end)
        .where(Invoice.customer_id == customer.id)
        .order_by(Invoice.period_start.desc(), Invoice.period_end.desc())
        .limit(1)
    ).first()
    return (row.period_start, row.period_end) if row else None


def _transformations(session: Session) -> dict[int, dict[int, str]]:
    """Definition → its transformations, id → name, in the order of the attachments."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for definition_id, id, name in session.execute(
        select(DefinitionTransformation.definition_id, Transformation.id, Transformation.name)
        .join(Transformation, Transformation.id == DefinitionTransformation.transformation_id)
        .order_by(DefinitionTransformation.position, Transformation.id)
    ):
        found[definition_id][id] = name
    return found


def _addresses(session: Session, customer: Customer) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for key_id, address in session.execute(
        select(CustomerEmail.recipient_key_id, CustomerEmail.address)
        .where(CustomerEmail.customer_id == customer.id)
        .order_by(CustomerEmail.id)
    ):
        found[key_id].append(address)
    return found


def _lines(
    session: Session,
    customer: Customer,
    definition: MessageDefinition,
    period: tuple[date, date],
    transformations: list[int],
) -> list[WouldLine]:
    """One line for each outcome, what would be sent first."""
    choice = Selection(definition.id, customer.cluster_id, False, *period)
    needed = {
        "recipient_key_id": definition.recipient_key_id,
        "transformations": transformations,
        "password_key": definition.password_key,
        "zip": definition.zip,
    }
    requirements = requirements_of(definition.id, cast(Content, needed))
    rows = invoices_matching(choice, requirements, customers=Customer.id == customer.id).limit(INVOICES_MAX)
    outcomes = {invoice_id: reason for invoice_id, _, reason in session.execute(rows)}
    invoices = session.scalars(select(Invoice).where(Invoice.id.in_(outcomes)).order_by(Invoice.id))
    found: dict[str, WouldLine] = {}
    for invoice in invoices:
        reason = outcomes[invoice.id]
        line = found.setdefault(reason, WouldLine(definition, definition.recipient_key.key, reason))
        line.invoices.append(invoice)
    order = ["", *SkipReason]
    return sorted(found.values(), key=lambda line: order.index(line.reason))


def _add_mails(session: Session, viewer: Viewer, lines: Sequence[WouldLine]) -> None:
    """To each line of invoices that were sent before, the result that mailed the first of them."""
    for line in lines:
        if line.reason != SkipReason.ALREADY_SENT:
            continue
        last = select(func.max(Reservation.result_id)).where(
            Reservation.definition_id == line.definition.id, Reservation.invoice_id == line.invoices[0].id
        )
        line.mailed = session.scalar(
            select(Result).where(Result.id == last.scalar_subquery(), visible_to(viewer, Result))
        )
