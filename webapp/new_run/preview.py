"""What a run created now would include, in numbers, and the fingerprint by which two such sets are compared.
It uses the run's own queries (selection/), so what the dialog promises is what the run does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Label,
    Row,
    Select,
    and_,
    case,
    distinct,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.access import Viewer, seen_by
from webapp.definitions.versions import content_of
from webapp.invoices.periods import overlapping
from webapp.selection.collation import BYTES_PER_MAIL_MAX, INVOICES_PER_MAIL_MAX, split
from webapp.selection.eligibility import (
    Requirements,
    is_reserved,
    mailed_with_other_definition,
    requirements_of,
)
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.customers import Customer
from webapp.store.definitions import Content, MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import SkipReason


@dataclass(frozen=True)
class Preview:
    """What a run created now would include. `skipped` has every reason; `mails`, `customers`, `amounts`
    (gross, by currency) and `mailed_before` (invoices that another definition has mailed, or may have)
    count those that would be sent. `overlapping` are left out: they extend beyond the period. `twice` is
    how many customers get, or would get if the run were told to send again, what they were sent before."""

    invoices: int
    ready: int
    skipped: dict[str, int]
    overlapping: int
    mails: int
    customers: int
    amounts: dict[str, Decimal]
    mailed_before: int
    twice: int
    fingerprint: str


def preview(session: Session, choice: Selection, viewer: Viewer) -> Preview:
    """What a run created now would include, send and skip. Stores nothing."""
    definition = session.get_one(MessageDefinition, choice.definition_id)
    content = content_of(session, definition)
    customers = planned_customer_filter(session, choice)
    conditions = [seen_by(viewer)]
    if choice.invoice_ids:
        conditions.append(Invoice.id.in_(choice.invoice_ids))
    terms = requirements_of(definition.id, content)
    rows = invoices_matching(choice, terms, *conditions, customers=customers)
    lines = list(session.execute(_counted(choice, terms, rows)))
    skipped = {reason.value: 0 for reason in SkipReason}
    for line in lines:
        if line.reason:
            skipped[line.reason] += line.n
    ready = sum(line.n for line in lines if not line.reason)
    payers = lines[0].customers if lines else 0
    return Preview(
        invoices=sum(line.n for line in lines),
        ready=ready,
        skipped=skipped,
        overlapping=0 if choice.invoice_ids else _overlapping(session, choice, viewer, customers),
        mails=payers + _further_mails(session, content, rows) if content["collate"] else ready,
        customers=payers,
        amounts=dict(sorted((line.currency, line.gross) for line in lines if not line.reason)),
        mailed_before=lines[0].mailed_before if lines else 0,
        twice=lines[0].twice if lines else 0,
        fingerprint=fingerprint(choice, content, lines),
    )


def _further_mails(session: Session, content: Content, rows: Select[int, int, str]) -> int:
    """How many mails more than customers there are: who has too much for one gets several. Only who has
    several invoices is looked at."""
    seen = rows.cte("seen")
    several = (
        select(seen.c.customer_id)
        .where(seen.c.reason == "")
        .group_by(seen.c.customer_id)
        .having(func.count() > 1)
    )
    attached = and_(
        TransformationResult.invoice_id == seen.c.invoice_id,
        TransformationResult.transformation_id.in_(content["transformations"]),
    )
    sized = (
        select(
            seen.c.customer_id,
            seen.c.invoice_id,
            func.coalesce(func.sum(TransformationResult.size), 0).label("size"),
        )
        .outerjoin(TransformationResult, attached)
        .where(seen.c.reason == "", seen.c.customer_id.in_(several))
        .group_by(seen.c.customer_id, seen.c.invoice_id)
        .cte("sized")
    )
    too_many, too_much = func.count() > INVOICES_PER_MAIL_MAX, func.sum(sized.c.size) > BYTES_PER_MAIL_MAX
    over = select(sized.c.customer_id).group_by(sized.c.customer_id).having(or_(too_many, too_much))
    found = select(sized).where(sized.c.customer_id.in_(over))
    found = found.order_by(sized.c.customer_id, sized.c.invoice_id)
    by_customer = groupby(session.execute(found), key=lambda row: row.customer_id)
    return sum(
        sum(1 for _ in split((row.invoice_id, row.size) for row in invoices)) - 1
        for _, invoices in by_customer
    )


def _counted(choice: Selection, terms: Requirements, rows: Select[int, int, str]) -> Select[Any]:
    """The sums by reason and currency, and beside each line what is counted over all of them. One statement,
    so that the rows are looked at once."""
    again = is_reserved(terms.definition_id, literal(1)) if choice.resend_already_sent else false()
    seen = rows.add_columns(
        Invoice.currency,
        Invoice.gross_amount,
        mailed_with_other_definition(terms.definition_id).label("before"),
        again.label("again"),
    ).cte("seen")
    ready, customer = seen.c.reason == "", seen.c.customer_id
    twice = (
        and_(ready, seen.c.again) if choice.resend_already_sent else seen.c.reason == SkipReason.ALREADY_SENT
    )
    lines = sums_of(seen.c.invoice_id, seen.c.reason, seen.c.currency, seen.c.gross_amount).subquery("lines")
    whole = select(
        func.count(distinct(case((ready, customer)))).label("customers"),
        func.count(case((and_(ready, seen.c.before), 1))).label("mailed_before"),
        func.count(distinct(case((twice, customer)))).label("twice"),
    ).subquery("whole")
    return select(lines, whole).join(whole, true())


Sums = Row[str, str, int, Decimal, int, int]


def sums_of(
    invoice_id: SQLColumnExpression[int],
    reason: SQLColumnExpression[str],
    currency: SQLColumnExpression[str] = Invoice.currency,
    gross: SQLColumnExpression[Decimal] = Invoice.gross_amount,
) -> Select[str, str, int, Decimal, int, int]:
    """By reason and currency: how many, their gross amount, and two checksums over the invoices' ids.

    To be completed with joins.
    """
    reason_column: Label[str] = reason.label("reason")
    return select(
        reason_column,
        currency.label("currency"),
        func.count().label("n"),
        func.sum(gross).label("gross"),
        func.sum(invoice_id).label("ids"),
        func.sum(invoice_id * invoice_id % 1_000_003).label("squares"),
    ).group_by(reason_column, currency)


def fingerprint(choice: Selection, content: Content, lines: Iterable[Sums]) -> str:
    """A short text that is equal for two previews only if selection, definition and the outcome of each
    invoice are equal."""
    chosen = {**asdict(choice), "invoice_ids": sorted(choice.invoice_ids)}
    facts = sorted(
        [line.reason, line.currency, int(line.n), str(line.gross), int(line.ids), int(line.squares)]
        for line in lines
    )
    whole = json.dumps([chosen, content, facts], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()


def _overlapping(session: Session, choice: Selection, viewer: Viewer, customers: ColumnElement[bool]) -> int:
    """How many invoices share days with the period but extend beyond it."""
    found = session.scalar(
        select(func.count())
        .select_from(Invoice)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers,
            overlapping(choice.period_from, choice.period_to),
            seen_by(viewer),
        )
    )
    return found or 0
