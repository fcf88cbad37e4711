"""What a run would do today with some invoices of a customer: the preview's own rules (eligibility.py), for
each definition in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionTransformation, MessageDefinition
from webapp.store.invoices import Invoice, Transformation
from webapp.store.runs import Reservation, Result
from webapp.store.statuses import SkipReason
from webapp.translation import _

INVOICES_MAX = 50
"""Invoices that are looked at."""


@dataclass
class TodayLine:
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
        """A name for the line within its page."""
        return f"would-{self.definition.id}-{self.reason or 'sent'}"

    @property
    def numbers(self) -> str:
        """The invoices in words: NT-1, or NT-1 and 4 more"""
        number, more = self.invoices[0].number, len(self.invoices) - 1
        return _("%(invoice)s and %(more)s more", invoice=number, more=more) if more else number


def would_do(
    session: Session,
    viewer: Viewer,
    customer: Customer,
    period: tuple[date, date],
    *conditions: ColumnElement[bool],
) -> list[TodayLine]:
    """What a run with each definition in use would do with the customer's invoices of this period that meet
    the conditions, what would be sent first."""
    definitions = session.scalars(
        select(MessageDefinition)
        .where(MessageDefinition.retired_at.is_(None))
        .order_by(MessageDefinition.name)
    ).all()
    attached, addresses = _transformations(session), _addresses(session, customer)
    lines = []
    for definition in definitions:
        names = attached[definition.id]
        choice = Selection(definition.id, customer.cluster_id, False, *period)
        for line in _lines(session, customer, definition, choice, list(names), conditions):
            line.transformations = list(names.values())
            line.addresses = addresses[definition.recipient_key_id]
            lines.append(line)
    _add_mails(session, viewer, lines)
    return lines


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
    choice: Selection,
    transformations: list[int],
    conditions: Sequence[ColumnElement[bool]],
) -> list[TodayLine]:
    """One line for each outcome, what would be sent first."""
    needed = {
        "recipient_key_id": definition.recipient_key_id,
        "transformations": transformations,
        "password_key": definition.password_key,
        "zip": definition.zip,
    }
    requirements = requirements_of(definition.id, cast(Content, needed))
    rows = invoices_matching(choice, requirements, *conditions, customers=Customer.id == customer.id)
    matching = session.execute(rows.limit(INVOICES_MAX))
    outcomes = {invoice_id: reason for invoice_id, customer_id, reason in matching}
    found: dict[str, TodayLine] = {}
    for invoice in session.scalars(select(Invoice).where(Invoice.id.in_(outcomes)).order_by(Invoice.id)):
        reason = outcomes[invoice.id]
        line = found.setdefault(reason, TodayLine(definition, definition.recipient_key.key, reason))
        line.invoices.append(invoice)
    order = ["", *SkipReason]
    return sorted(found.values(), key=lambda line: order.index(line.reason))


def _add_mails(session: Session, viewer: Viewer, lines: Sequence[TodayLine]) -> None:
    """To each line of invoices that were sent before, the result that mailed the first of them."""
    for line in lines:
        if line.reason == SkipReason.ALREADY_SENT:
            last = select(func.max(Reservation.result_id)).where(
                Reservation.definition_id == line.definition.id,
                Reservation.invoice_id == line.invoices[0].id,
            )
            line.mailed = session.scalar(
                select(Result).where(Result.id == last.scalar_subquery(), visible_to(viewer, Result))
            )
