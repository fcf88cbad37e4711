"""Collation: what a customer can be sent goes into one mail, or into several if one would be too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from webapp.store.definitions import Content
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Result, ResultInvoice
from webapp.store.statuses import ResultStatus

INVOICES_PER_MAIL_MAX = 50
BYTES_PER_MAIL_MAX = 15_000_000
"""Bytes of a mail's documents before they are encoded: 20 MB on the wire, which most mail servers accept."""

UNSYNCHRONIZED = {"synchronize_session": False}


def collate(session: Session, content: Content, *made: ColumnElement[bool]) -> None:
    """Move the invoices of each customer's ready results to the first of these results, and delete the
    emptied ones.

    1. Find the customers whose mail would have too many invoices or too many bytes.
    2. Collate those of all other customers, in one statement.
    3. Each customer found in step 1 gets several mails: invoice after invoice, in the order of their ids, as
    long as the mail stays within the limits. An invoice that is too large by itself goes alone."""
    ready = (*made, Result.status == ResultStatus.READY)
    too_large = session.scalars(_customers_over(content, ready)).all()
    _into_one(session, *ready, Result.customer_id.not_in(too_large))
    for customer_id in too_large:
        sizes = session.execute(_sizes(content, (*ready, Result.customer_id == customer_id))).all()
        for mail in split((result_id, size) for result_id, _, size in sizes):
            ids = [result_id for result_id, _ in mail]
            session.execute(
                update(ResultInvoice).where(ResultInvoice.result_id.in_(ids)).values(result_id=ids[0]),
                execution_options=UNSYNCHRONIZED,
            )
    emptied = ~exists().where(ResultInvoice.result_id == Result.id)
    session.execute(delete(Result).where(*ready, emptied), execution_options=UNSYNCHRONIZED)


def _into_one(session: Session, *ready: ColumnElement[bool]) -> None:
    own, first = aliased(Result), aliased(Result)
    lead = (
        select(func.min(first.id))
        .join(own, (own.customer_id == first.customer_id) & (own.run_id == first.run_id))
        .where(own.id == ResultInvoice.result_id, first.status == ResultStatus.READY)
        .scalar_subquery()
    )
    session.execute(
        update(ResultInvoice)
        .where(ResultInvoice.result_id.in_(select(Result.id).where(*ready)))
        .values(result_id=lead),
        execution_options=UNSYNCHRONIZED,
    )


def _sizes(content: Content, ready: Sequence[ColumnElement[bool]]) -> Select[int, int, int]:
    """(result, customer, bytes of its documents) of these results, each of one invoice, in the order of the
    invoices."""
    attached = and_(
        TransformationResult.invoice_id == Result.lead_invoice_id,
        TransformationResult.transformation_id.in_(content["transformations"]),
    )
    size = func.coalesce(func.sum(TransformationResult.size), 0)
    return (
        select(Result.id, Result.customer_id, size.label("size"))
        .outerjoin(TransformationResult, attached)
        .where(*ready)
        .group_by(Result.id, Result.customer_id, Result.lead_invoice_id)
        .order_by(Result.lead_invoice_id)
    )


def _customers_over(content: Content, ready: Sequence[ColumnElement[bool]]) -> Select[int]:
    each = _sizes(content, ready).order_by(None).subquery()
    too_many, too_much = func.count() > INVOICES_PER_MAIL_MAX, func.sum(each.c.size) > BYTES_PER_MAIL_MAX
    return select(each.c.customer_id).group_by(each.c.customer_id).having(or_(too_many, too_much))


Sized = tuple[int, int]
"""Id of a result with one invoice, and the bytes of its documents."""


def split(invoices: Iterable[Sized]) -> Iterator[list[Sized]]:
    """Divide a customer's invoices into mails, in the order given."""
    mail: list[Sized] = []
    total = 0
    for id, size in invoices:
        if mail and (len(mail) == INVOICES_PER_MAIL_MAX or total + size > BYTES_PER_MAIL_MAX):
            yield mail
            mail, total = [], 0
        mail.append((id, size))
        total += size
    if mail:
        yield mail
