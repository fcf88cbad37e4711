"""Which results of a run a filter matches: the same conditions for the page that shows them and for the verb
that changes them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, String, and_, cast, exists, or_, select

from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, SkipReason


def matching(run_id: int, status: str = "", reason: str = "", search: str = "") -> list[ColumnElement[bool]]:
    """The conditions on Result. Without a status those that were removed stay hidden.

    Raises ValueError for a status or a reason that does not exist: a filter that is not understood must never
    match everything."""
    conditions = [Result.run_id == run_id]
    if status:
        conditions.append(Result.status == ResultStatus(status))
    elif not reason:
        conditions.append(Result.status != ResultStatus.REMOVED)
    if reason:
        conditions += [Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason(reason)]
    if wanted := search.replace("\x00", "").strip():
        conditions.append(_mentions(run_id, wanted))
    return conditions


def _mentions(run_id: int, wanted: str) -> ColumnElement[bool]:
    """Customer code or name, invoice number, address or error text contains these characters, in any case."""
    of_customer = (
        exists()
        .correlate(Result)
        .where(
            Customer.id == Result.customer_id,
            or_(
                Customer.code.icontains(wanted, autoescape=True),
                Customer.name.icontains(wanted, autoescape=True),
            ),
        )
    )
    of_invoice = (
        exists()
        .correlate(Result)
        .where(
            ResultInvoice.result_id == Result.id,
            Invoice.id == ResultInvoice.invoice_id,
            Invoice.number.icontains(wanted, autoescape=True),
        )
    )
    return or_(
        of_customer,
        of_invoice,
        cast(Result.recipients, String).icontains(wanted, autoescape=True),
        and_(Result.recipients.is_(None), _reached_at(run_id, wanted)),
        Result.detail.icontains(wanted, autoescape=True),
        Result.smtp_reply.icontains(wanted, autoescape=True),
        Result.warning.icontains(wanted, autoescape=True),
    )


def _reached_at(run_id: int, wanted: str) -> ColumnElement[bool]:
    """The customer has such an address under the recipient key that the run was made with."""
    key = (
        select(DefinitionVersion.content["recipient_key_id"].as_integer())
        .join(Run, Run.version_id == DefinitionVersion.id)
        .where(Run.id == run_id)
        .scalar_subquery()
    )
    return (
        exists()
        .correlate(Result)
        .where(
            CustomerEmail.customer_id == Result.customer_id,
            CustomerEmail.recipient_key_id == key,
            CustomerEmail.address.icontains(wanted, autoescape=True),
        )
    )
