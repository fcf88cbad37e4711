"""The read side of the list of invoices: a page of it, and how many there are.

If one condition of the filter leaves few rows, these are looked up and sorted. Else the index of the order is
walked, WALKED_MAX rows at most: no page reads a million rows for the 50 that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from webapp import keyset, since_mailed
from webapp.access import Viewer
from webapp.invoices import by_month
from webapp.invoices.filters import InvoiceFilter, narrowings
from webapp.invoices.narrowing import Check, Narrowing, conditions, leading
from webapp.invoices.orders import CUSTOMER_ORDER, ORDERS, PERIOD_ORDER, InvoiceRow
from webapp.keyset import Counted, Edge, Order, Page
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.dialects import read_before
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Result, ResultInvoice
from webapp.store.statuses import ResultStatus

WALKED_FIRST, WALKED_MAX, WALKED_ON_MAX = 500, 5_000, (20_000, 100_000)
"""Rows of an index that are read for one page: nearly always the first of them have enough. The last numbers
are for conditions that no page is short for: what has been mailed may begin behind a month that has not."""


def listing(
    session: Session, viewer: Viewer, shown: InvoiceFilter, sort: str, edge: Edge | None
) -> tuple[Page[InvoiceRow], Counted]:
    """A page of invoices in the order that `sort` names, and how many match. Raises ValueError for a filter
    or an edge that cannot be.

    The ids are found first, and everything else is looked up for these 50 only. Where the filter asks for
    what is missing elsewhere, or for what very many rows say, and WALKED_MAX rows have fewer than a page of
    it, the page is short, and the next one goes on from there."""
    name = sort.removeprefix("-")
    order = ORDERS[name].reversed if sort.startswith("-") else ORDERS[name]
    found = narrowings(session, viewer, shown)
    lead = leading(session, found)
    if lead is not None:
        query = select(Invoice.id).where(*conditions(found, lead))
        way = replace(order, column=NAME_LOOKED_UP) if name == CUSTOMER_ORDER else order
        ids, n = keyset.found_and_counted(session, query, way, edge)
        return _page(session, ids, order, edge), Counted(n)
    count = _counted(session, found)
    walked, end = _walk(session, found, name, order, edge, min(WALKED_FIRST, WALKED_MAX))
    if len(walked) <= keyset.PAGE_SIZE and end is not None:
        merged = by_month.ids(session, found, name, order, edge)
        if merged is not None:
            return _page(session, merged, order, edge), count
        walked, end = _walk(session, found, name, order, edge, WALKED_MAX)
    if len(walked) > keyset.PAGE_SIZE or end is None:
        return _page(session, walked, order, edge), count
    if found and not any(each.costly or each.is_search for each in found):
        for at_most in WALKED_ON_MAX:
            walked, end = _walk(session, found, name, order, edge, at_most)
            if len(walked) > keyset.PAGE_SIZE or end is None:
                return _page(session, walked, order, edge), count
        rows = select(Invoice.id).where(*conditions(found, found[0]))
        return _page(session, _sorted(rows, name, order, edge), order, edge), count
    return _short_page(session, walked, end, order, edge), count


NAME_LOOKED_UP = select(Customer.sort_name).where(Customer.id == Invoice.customer_id).scalar_subquery()
"""What few invoices are sorted by in the order of customers. To join them, PostgreSQL reads all customers."""


def _sorted(ids: Select[int], name: str, order: Order[Any], edge: Edge | None) -> Select[int]:
    return keyset.ordered(_joined(ids, name), order.looked_up, Invoice.id, edge)


def _joined(ids: Select[int], name: str) -> Select[int]:
    """The query with the table that the order sorts by."""
    return ids.join(Customer, Customer.id == Invoice.customer_id) if name == CUSTOMER_ORDER else ids


def _along_index(session: Session, found: Sequence[Narrowing], name: str) -> tuple[Select[Any], list[Check]]:
    """The rows that the index of this order has, from where the filter lets it begin, as (id, place) and what
    is looked at; and what is still to be looked at row by row.

    These are looked at in the very rows: joined with them, PostgreSQL may read all invoices instead."""
    begins = [each for each in found if name in each.follows and each.lookup is not None]
    others = [each for each in found if each not in begins]
    columns = {column.key: column for each in others for column in each.columns}
    rows = select(Invoice.id, ORDERS[name].column.label("place"), *columns.values())
    if name == CUSTOMER_ORDER:
        payer = read_before(session, Customer.id)
        rows = rows.join_from(Customer, Invoice, payer == Invoice.customer_id)
    rows = rows.where(*(each.lookup for each in begins if each.lookup is not None))
    return rows, [each.check for each in others]


def _walk(
    session: Session,
    found: Sequence[Narrowing],
    name: str,
    order: Order[Any],
    edge: Edge | None,
    at_most: int,
) -> tuple[Sequence[int], tuple[int, object] | None]:
    """The ids of the next rows, up to one more than a page; and where the walk ended, (id, place), if
    `at_most` rows of the index had not enough of them."""
    rows, checks = _along_index(session, found, name)
    walked = keyset.ordered(rows, order, Invoice.id, edge).limit(at_most).subquery()
    query = select(walked.c.id).where(*(check(walked.c) for check in checks))
    query = query.order_by(*keyset.order(edge, walked.c.place, walked.c.id, descending=order.descending))
    ids = session.scalars(query.limit(keyset.PAGE_SIZE + 1)).all()
    if len(ids) > keyset.PAGE_SIZE:
        return ids, None
    place = rows.with_only_columns(*list(rows.selected_columns)[:2], maintain_column_froms=True)
    last = keyset.ordered(place, order, Invoice.id, edge).offset(at_most - 1).limit(1)
    row = session.execute(last).first()
    return ids, (row.id, row.place) if row else None


def _counted(session: Session, found: Sequence[Narrowing]) -> Counted:
    """How many match of the first WALKED_MAX rows of the index by period, and whether there may be more. Of
    one condition it is known that it leaves many."""
    if len(found) == 1 and not found[0].costly:
        return Counted(found[0].few_max, True)
    rows, checks = _along_index(session, found, PERIOD_ORDER)
    rows = keyset.ordered(rows, ORDERS[PERIOD_ORDER], Invoice.id, None)
    walked = rows.limit(WALKED_MAX).subquery()
    query = select(func.count()).select_from(walked).where(*(check(walked.c) for check in checks))
    further = session.scalar(rows.with_only_columns(Invoice.id).offset(WALKED_MAX).limit(1))
    return Counted(session.scalar(query) or 0, further is not None)


def _page(
    session: Session, ids: Select[int] | Sequence[int], order: Order[InvoiceRow], edge: Edge | None
) -> Page[InvoiceRow]:
    if isinstance(ids, Select):
        ids = session.scalars(ids.limit(keyset.PAGE_SIZE + 1)).all()
    rows = rows_of(session, ids)
    return keyset.page(rows, edge, [order.cursor(row.id, row) for row in rows], keyset.PAGE_SIZE)


def _short_page(
    session: Session,
    ids: Sequence[int],
    end: tuple[int, object],
    order: Order[InvoiceRow],
    edge: Edge | None,
) -> Page[InvoiceRow]:
    """What the walk has found, with the place where it ended as the edge of the next page."""
    page = _page(session, ids, order, edge)
    further = keyset.cursor(end[0], str(end[1]))
    if edge is not None and edge.backwards:
        return Page(page.rows, further, page.next or keyset.cursor(edge.id, edge.value))
    previous = page.previous or (keyset.cursor(edge.id, edge.value) if edge else "")
    return Page(page.rows, previous, further)


def number_of(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many invoices meet these conditions."""
    return session.scalar(select(func.count()).select_from(Invoice).where(*conditions)) or 0


def definitions(session: Session) -> list[tuple[int, str]]:
    """Id and name of each definition, by name."""
    rows = session.execute(
        select(MessageDefinition.id, MessageDefinition.name).order_by(MessageDefinition.name)
    )
    return [(id, name) for id, name in rows]


def transformations(session: Session) -> list[tuple[int, str]]:
    """Id and name of each transformation, by name."""
    rows = session.execute(select(Transformation.id, Transformation.name).order_by(Transformation.name))
    return [(id, name) for id, name in rows]


def has_any(session: Session) -> bool:
    """Whether there is an invoice at all."""
    return session.scalar(select(Invoice.id).limit(1)) is not None


def rows_of(session: Session, ids: Sequence[int]) -> list[InvoiceRow]:
    """The invoices with these ids, in this order, with what the list shows of each. Six statements."""
    found = {
        invoice.id: InvoiceRow(invoice, customer, tag_name)
        for invoice, customer, tag_name in session.execute(
            select(Invoice, Customer, Cluster.tag_name)
            .join(Customer, Customer.id == Invoice.customer_id)
            .join(Cluster, Cluster.id == Customer.cluster_id)
            .where(Invoice.id.in_(ids))
        )
    }
    _add_documents(session, found)
    _add_last_mails(session, found)
    for id, since in since_mailed.load(session, [row.invoice for row in found.values()]).items():
        found[id].since = since_mailed.words(since, found[id].invoice)
    return [found[id] for id in ids]


def _add_documents(session: Session, found: dict[int, InvoiceRow]) -> None:
    documents = session.execute(
        select(TransformationResult.invoice_id, Transformation.name, TransformationResult.suspect)
        .join(Transformation, Transformation.id == TransformationResult.transformation_id)
        .where(TransformationResult.invoice_id.in_(found))
        .order_by(TransformationResult.id)
    )
    for invoice_id, name, suspect in documents:
        row = found[invoice_id]
        row.has_suspect = row.has_suspect or suspect
        if name not in row.documents:
            row.documents.append(name)


HAPPENED = Result.status.not_in((ResultStatus.READY, ResultStatus.REMOVED))
"""Whether something has become of the current Result."""


def _add_last_mails(session: Session, found: dict[int, InvoiceRow]) -> None:
    """Starts from the customers: no index leads from an invoice to its results."""
    customers = {row.customer.id for row in found.values()}
    last = (
        select(ResultInvoice.invoice_id, func.max(ResultInvoice.result_id).label("result_id"))
        .join(Result, Result.id == ResultInvoice.result_id)
        .where(Result.customer_id.in_(customers), HAPPENED)
        .where(func.coalesce(ResultInvoice.invoice_id, 0).in_(found))
        .group_by(ResultInvoice.invoice_id)
        .subquery()
    )
    rows = session.execute(select(last.c.invoice_id, Result).join(Result, Result.id == last.c.result_id))
    for invoice_id, result in rows:
        found[invoice_id].last = result
