"""Collation: what a customer can be sent goes into one mail, or into several if one would be too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import SQLColumnExpression

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
    too_large = session.scalars(customers_over_limits(_sizes(content, ready).order_by(None).subquery())).all()
    _into_one(session, *ready, Result.customer_id.not_in(too_large))
    for customer_id in too_large:
        sizes = session.execute(_sizes(content, (*ready, Result.customer_id == customer_id))).all()
        for mail in mails_of(sizes):
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
    """The sizes of these results, each of one invoice."""
    return document_sizes(content, Result, Result.id, Result.customer_id, Result.lead_invoice_id).where(
        *ready
    )


def document_sizes(
    content: Content,
    source: Any,
    id: SQLColumnExpression[int],
    customer_id: SQLColumnExpression[int],
    invoice_id: SQLColumnExpression[int],
) -> Select[int, int, int]:
    """(id, customer, bytes of the documents that would be attached) of each row of the source, which has one
    invoice; ordered by customer and invoice.

    Documents are joined by their invoices only, and those of other transformations count as nothing: with
    both conditions SQLite may use the index of the transformation, and read every document there is."""
    document = aliased(TransformationResult)
    attached = case((document.transformation_id.in_(content["transformations"]), document.size), else_=0)
    size: ColumnElement[int] = func.coalesce(func.sum(attached), 0)
    return (
        select(id.label("id"), customer_id.label("customer_id"), size.label("size"))
        .select_from(source)
        .outerjoin(document, document.invoice_id == invoice_id)
        .group_by(customer_id, invoice_id, id)
        .order_by(customer_id, invoice_id)
    )


def customers_over_limits(sizes: FromClause) -> Select[int]:
    """The customers whose invoices do not go into one mail, given their `document_sizes`."""
    too_many = func.count() > INVOICES_PER_MAIL_MAX
    too_much = func.sum(sizes.c.size) > BYTES_PER_MAIL_MAX
    return select(sizes.c.customer_id).group_by(sizes.c.customer_id).having(or_(too_many, too_much))


def mails_of(rows: Iterable[Row[int, int, int]]) -> Iterator[list[Sized]]:
    """The mails of all customers, given the rows of `document_sizes`."""
    for _, invoices in groupby(rows, key=lambda row: row.customer_id):
        yield from split((row.id, row.size) for row in invoices)


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
