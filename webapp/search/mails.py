"""Which mails a search finds: those of the customers and invoices that it finds, in all runs, also archived
ones and removed ones, and the one that a Message-ID or a server's queue id names."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Select, String, cast, exists, or_, select, union
from sqlalchemy.orm import Session

from webapp.access import Viewer, seen_by
from webapp.keyset import Counted
from webapp.search.hits import Hits
from webapp.smtp.queue_ids import queue_id
from webapp.store.customers import Customer
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.runs import Attempt, Result, ResultInvoice
from webapp.store.text_search import like_pattern, says

SOURCES_MAX = 500
"""Customers, and invoices, whose mails are looked for."""
MAILS_COUNTED_MAX = 1_000
MESSAGE_ID = re.compile(r"<?((\d{1,18})\.(\d{1,18})\.\d{1,9}\.\w{1,32}@[^\s<>]+)>?")
QUEUE_ID_MIN = 5


def mail_hits(session: Session, viewer: Viewer, wanted: str, customers: Hits, invoices: Hits) -> Hits:
    """The newest first. Of an address, only the mails that went to it, or were to."""
    named = named_mails(session, viewer, wanted)
    if named:
        return Hits(named, Counted(len(named)))
    sources = []
    if customers.ids:
        sources.append(_of_customers(session, customers.ids[:SOURCES_MAX], wanted))
    if invoices.ids:
        sources.append(_of_invoices(session, invoices.ids[:SOURCES_MAX]))
    if not sources:
        return Hits([], Counted(0))
    found = union(*sources).subquery()
    is_theirs = exists().where(Customer.id == Result.customer_id, seen_by(viewer))
    mails = select(Result.id).join(found, found.c[0] == Result.id).where(is_theirs)
    ids = list(session.scalars(mails.order_by(Result.id.desc()).limit(MAILS_COUNTED_MAX + 1)))
    were_all = all(source.are_all and len(source.ids) <= SOURCES_MAX for source in (customers, invoices))
    count = Counted(min(len(ids), MAILS_COUNTED_MAX), len(ids) > MAILS_COUNTED_MAX or not were_all)
    return Hits(ids[:MAILS_COUNTED_MAX], count)


def _of_customers(session: Session, ids: list[int], wanted: str) -> Select[int]:
    words = wanted.split()
    addresses = [word for word in words if "@" in word]
    went_to = (says(cast(Result.recipients, String), like_pattern(word)) for word in addresses)
    return select(Result.id).where(id_in(session, Result.customer_id, ids), *went_to)


def _of_invoices(session: Session, ids: list[int]) -> Select[int]:
    """By their customers: results have an index of these."""
    customers = session.scalars(select(Invoice.customer_id).where(id_in(session, Invoice.id, ids)).distinct())
    return (
        select(ResultInvoice.result_id)
        .join(Result, Result.id == ResultInvoice.result_id)
        .where(
            id_in(session, Result.customer_id, customers.all()),
            id_in(session, ResultInvoice.invoice_id, ids),
        )
    )


def named_mails(session: Session, viewer: Viewer, wanted: str) -> list[int]:
    """The results that a Message-ID, with or without its angle brackets, or a server's queue id names."""
    if found := MESSAGE_ID.search(wanted):
        return _seen(session, viewer, Result.id == int(found[3]), _had(f"<{found[1]}>"))
    named = queue_id(wanted) or wanted.strip()
    if len(named) < QUEUE_ID_MIN or " " in named:
        return []
    results = select(Attempt.result_id).where(Attempt.queue_id == named, Attempt.queue_id != "")
    return _seen(session, viewer, Result.id.in_(results))


def _had(message_id: str) -> ColumnElement[bool]:
    """Whether the Result's mail has this Message-ID, or had it in an attempt."""
    tried = exists().where(Attempt.result_id == Result.id, Attempt.message_id == message_id)
    return or_(Result.message_id == message_id, tried)


def _seen(session: Session, viewer: Viewer, *conditions: ColumnElement[bool]) -> list[int]:
    is_theirs = exists().where(Customer.id == Result.customer_id, seen_by(viewer))
    return list(session.scalars(select(Result.id).where(is_theirs, *conditions)))
