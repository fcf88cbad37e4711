"""What a run created now would include, in numbers, and the fingerprint by which two such sets are compared.
It uses the run's own queries (selection/), so what the dialog promises is what the run does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
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
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.access import Viewer, seen_by
from webapp.definitions.versions import content_of
from webapp.new_run import bounced_before
from webapp.periods import overlapping
from webapp.selection import collation
from webapp.selection.eligibility import (
    Requirements,
    is_reserved,
    mailed_with_other_definition,
    requirements_of,
)
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.customers import Customer
from webapp.store.definitions import Content, MessageDefinition
from webapp.store.invoices import Invoice
from webapp.store.statuses import REASONS_OF_INVOICES, SkipReason


@dataclass(frozen=True)
class Preview:
    """What a run created now would include. `skipped` has every reason; `mails`, `customers`, `amounts`
    (gross, by currency) and `mailed_before` (invoices that another definition has mailed, or may have)
    count those that would be sent. `overlapping` are left out: they extend beyond the period. `twice` is
    how many customers get, or would get if the run were told to send again, what they were sent before;
    `bounced_before`, how many go to an address that the last mail came back from."""

    invoices: int
    ready: int
    skipped: dict[str, int]
    overlapping: int
    mails: int
    customers: int
    amounts: dict[str, Decimal]
    mailed_before: int
    twice: int
    bounced_before: int
    fingerprint: str

    def of_list(self, show: str) -> int:
        """How many invoices the list behind a number has (preview_lists.LISTS)."""
        numbers = {
            "ready": self.ready,
            "skipped": sum(self.skipped.values()),
            "overlapping": self.overlapping,
            "mailed_before": self.mailed_before,
            "bounced_before": self.bounced_before,
        }
        return numbers[show] if show in numbers else self.skipped[show]


def preview(session: Session, selection: Selection, viewer: Viewer) -> Preview:
    """What a run created now would include, send and skip. Stores nothing."""
    definition = session.get_one(MessageDefinition, selection.definition_id)
    content = content_of(session, definition)
    customers = planned_customer_filter(session, selection)
    conditions = [seen_by(viewer)]
    if selection.invoice_ids:
        conditions.append(Invoice.id.in_(selection.invoice_ids))
    requirements = requirements_of(definition.id, content)
    rows = invoices_matching(selection, requirements, *conditions, customers=customers)
    lines = list(session.execute(_counted(selection, requirements, rows)))
    skipped = {reason.value: 0 for reason in REASONS_OF_INVOICES}
    for line in lines:
        if line.reason:
            skipped[line.reason] += line.n
    ready = sum(line.n for line in lines if not line.reason)
    payers = lines[0].customers if lines else 0
    return Preview(
        invoices=sum(line.n for line in lines),
        ready=ready,
        skipped=skipped,
        overlapping=0 if selection.invoice_ids else _overlapping(session, selection, viewer, customers),
        mails=payers + _further_mails(session, content, rows) if content["collate"] else ready,
        customers=payers,
        amounts=dict(sorted((line.currency, line.gross) for line in lines if not line.reason)),
        mailed_before=lines[0].mailed_before if lines else 0,
        twice=lines[0].twice if lines else 0,
        bounced_before=bounced_before.count(session, content["recipient_key_id"], rows) if ready else 0,
        fingerprint=fingerprint(selection, content, lines),
    )


def _further_mails(session: Session, content: Content, rows: Select[int, int, str]) -> int:
    """How many more mails than customers there are: a customer whose invoices do not fit into one mail gets
    several. Looks only at customers with several invoices."""
    seen = rows.cte("seen")
    several = (
        select(seen.c.customer_id)
        .where(seen.c.reason == "")
        .group_by(seen.c.customer_id)
        .having(func.count() > 1)
    )
    sizes = (
        collation.document_sizes(content, seen, seen.c.invoice_id, seen.c.customer_id, seen.c.invoice_id)
        .where(seen.c.reason == "", seen.c.customer_id.in_(several))
        .order_by(None)
        .cte("sizes")
    )
    over = collation.customers_over_limits(sizes)
    query = select(sizes).where(sizes.c.customer_id.in_(over)).order_by(sizes.c.customer_id, sizes.c.id)
    found = session.execute(query).all()
    return sum(1 for _ in collation.mails_of(found)) - len({row.customer_id for row in found})


def _counted(selection: Selection, requirements: Requirements, rows: Select[int, int, str]) -> Select[Any]:
    """The sums by reason and currency, and beside each line what is counted over all of them. One statement,
    so that the rows are looked at once."""
    again = is_reserved(requirements.definition_id, literal(1)) if selection.resend_already_sent else false()
    seen = rows.add_columns(
        Invoice.currency,
        Invoice.gross_amount,
        mailed_with_other_definition(requirements.definition_id).label("before"),
        again.label("again"),
    ).cte("seen")
    ready, customer = seen.c.reason == "", seen.c.customer_id
    twice = seen.c.reason == SkipReason.ALREADY_SENT
    if selection.resend_already_sent:
        twice = and_(ready, seen.c.again)
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


def fingerprint(selection: Selection, content: Content, lines: Iterable[Sums]) -> str:
    """A short text that is equal for two previews only if selection, definition and the outcome of each
    invoice are equal."""
    chosen = {**asdict(selection), "invoice_ids": sorted(selection.invoice_ids)}
    facts = sorted(
        [line.reason, line.currency, int(line.n), str(line.gross), int(line.ids), int(line.squares)]
        for line in lines
    )
    whole = json.dumps([chosen, content, facts], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()


def _overlapping(
    session: Session, selection: Selection, viewer: Viewer, customers: ColumnElement[bool]
) -> int:
    """How many invoices share days with the period but extend beyond it."""
    found = session.scalar(
        select(func.count())
        .select_from(Invoice)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers,
            overlapping(selection.period_from, selection.period_to),
            seen_by(viewer),
        )
    )
    return found or 0
