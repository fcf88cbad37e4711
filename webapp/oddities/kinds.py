"""What can be odd about mails: each kind as a query of the invoices that are in its list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, FromClause, Integer, Select, and_, case, exists, func, literal, not_, select
from sqlalchemy.orm import aliased

from webapp.documents.findings import UNCHECKED
from webapp.mailing.attach import PDF
from webapp.oddities.domains import domain_of, is_known
from webapp.oddities.mails import Mails
from webapp.selection.eligibility import mailed_with_other_definition
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import InvoiceStatus


class OddityKind(StrEnum):
    """In the order in which they are told. NUMBER and AMOUNT compare totals, and have no list of their
    own."""

    NUMBER = "number"
    AMOUNT = "amount"
    GONE = "gone"
    LARGE = "large"
    UNNAMED = "unnamed_amount"
    MAILED_BEFORE = "mailed_before"
    SHARED = "shared_address"
    NEW_DOMAIN = "new_domain"


TIMES_USUAL = 5
"""An amount above this many times the customer's usual is an oddity."""
EARLIER_MIN = 3
"""From this many earlier invoices a customer has a usual amount."""
USUAL_DAYS = 3 * 366
"""How far back they are looked for: three years, so that yearly invoices have a usual amount, too."""
NO_DAY = literal(date(1, 1, 1))
SHARING_MAX = 3
"""One address for more customers than this is an oddity."""


def gone(mails: Mails, mailed: CTE) -> Select[Any]:
    """(invoice id, customer id): what the earlier run mailed to customers who have no invoice now, not even
    one that is skipped."""
    now = select(mails.taken.c.customer_id)
    return select(mailed.c.invoice_id, mailed.c.customer_id).where(mailed.c.customer_id.not_in(now))


def large(mails: Mails, going: CTE) -> Select[int]:
    """Amounts above TIMES_USUAL times the customer's usual, credit notes by their size.

    Usual is the median of the customer's earlier invoices in the same currency (of an even number the higher
    of the two in the middle), approved or closed and above zero. Unlike the mean it is not moved by a single
    large invoice, which would hide the next one. And no amount must be sorted for it: one is above five times
    the median just when more than half of them are below a fifth of it."""
    earlier = aliased(Invoice, name="earlier")
    # A number of times, not another amount, which SQLite would have in ten-thousandths (store/types.py).
    times = literal(TIMES_USUAL, Integer)
    is_below = case((func.abs(going.c.gross) > times * earlier.gross_amount, 1))
    return (
        select(going.c.invoice_id)
        .join(earlier, and_(*is_earlier(mails, earlier, going)))
        .group_by(going.c.invoice_id)
        .having(func.count() >= EARLIER_MIN, 2 * func.count(is_below) > func.count())
    )


def is_earlier(mails: Mails, earlier: Any, than: FromClause) -> tuple[Any, ...]:
    """Whether an invoice is one of those that make the usual amount of another, a row of `than`. Found by its
    customer only: of what a function is given no index is searched, and there are very many of any status."""
    begin = func.coalesce(earlier.period_start, NO_DAY)
    return (
        earlier.customer_id == than.c.customer_id,
        earlier.period_start < than.c.period_start,
        begin >= mails.period[0] - timedelta(days=USUAL_DAYS),
        func.coalesce(earlier.currency, "") == than.c.currency,
        func.coalesce(earlier.status, "").in_((InvoiceStatus.APPROVED, InvoiceStatus.CLOSED)),
        earlier.gross_amount > Decimal(0),
    )


def unnamed(mails: Mails, going: CTE) -> Select[int]:
    """Invoices of which no PDF names the amount: one does not, as the document check saw, and no other does.
    Starts from the few such documents. An amount that was changed since the check is not judged."""
    other = aliased(TransformationResult, name="other")
    names_it = exists().where(
        other.invoice_id == TransformationResult.invoice_id,
        other.media_type == PDF,
        other.unnamed_amount.is_(None),
        (other.transformation_id + 0).in_(mails.transformations),
    )
    return (
        select(going.c.invoice_id)
        .join(TransformationResult, TransformationResult.invoice_id == going.c.invoice_id)
        .where(
            TransformationResult.unnamed_amount.is_not(None),
            TransformationResult.unnamed_amount == going.c.gross,
            not_(UNCHECKED),
            (TransformationResult.transformation_id + 0).in_(mails.transformations),
            not_(names_it),
        )
        .distinct()
    )


def mailed_before(mails: Mails, going: CTE) -> Select[int]:
    """Invoices that went out before with another definition, or may have. Asked invoice by invoice: as a join
    PostgreSQL reads all reservations."""
    mailed = func.coalesce(mailed_with_other_definition(mails.definition_id), False)
    return select(going.c.invoice_id).join(Invoice, Invoice.id == going.c.invoice_id).where(mailed)


def addresses(mails: Mails, going: CTE) -> CTE:
    """(customer id, address) of where mails go; an address in one spelling."""
    customers = select(going.c.customer_id).distinct().subquery("customers")
    return (
        select(CustomerEmail.customer_id, func.lower(CustomerEmail.address).label("address"))
        .join_from(customers, CustomerEmail, CustomerEmail.customer_id == customers.c.customer_id)
        .where(CustomerEmail.recipient_key_id == mails.recipient_key_id)
        .cte("addresses")
        .prefix_with("MATERIALIZED")
    )


def shared_addresses(to: CTE) -> Select[str]:
    """The addresses that are those of more than SHARING_MAX customers."""
    several = func.count(to.c.customer_id.distinct()) > SHARING_MAX
    return select(to.c.address).group_by(to.c.address).having(func.count() > SHARING_MAX, several)


def shared(going: CTE, to: CTE) -> Select[int]:
    """Invoices that go to one address with those of many other customers."""
    sharing = select(to.c.customer_id).where(to.c.address.in_(shared_addresses(to)))
    return select(going.c.invoice_id).where(going.c.customer_id.in_(sharing))


def new_domain(mails: Mails, going: CTE, to: CTE) -> Select[int]:
    """Invoices that go to a domain that no finished run has mailed."""
    customers = select(to.c.customer_id).where(not_(is_known(mails.viewer, domain_of(to.c.address))))
    return select(going.c.invoice_id).where(going.c.customer_id.in_(customers))
