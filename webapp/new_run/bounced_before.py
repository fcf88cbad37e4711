"""Which of the addresses that a run would send to the last mail came back from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from webapp import notation
from webapp.bounces import words
from webapp.store.bounces import ReturnedMail, ReturnEffect
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.invoices import Invoice
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.translation import _

CUSTOMERS_MAX = 5_000
"""Customers whose addresses are named in the query that counts."""


def _came_back(recipient_key_id: int, *columns: Any) -> Select[Any]:
    """The addresses under this key that a mail came back from, and to whose customer none has gone since that
    did not come back."""
    later = aliased(Result)
    arrived = exists().where(
        later.customer_id == Result.customer_id,
        later.status == ResultStatus.SENT,
        later.redirected.is_(False),
        later.sent_at > ReturnedMail.read_at,
    )
    same_address = and_(
        CustomerEmail.customer_id == Result.customer_id,
        CustomerEmail.recipient_key_id == recipient_key_id,
        func.lower(CustomerEmail.address) == ReturnedMail.recipient,
    )
    return (
        select(*columns)
        .select_from(ReturnedMail)
        .join(Result, Result.id == ReturnedMail.result_id)
        .join(CustomerEmail, same_address)
        .where(ReturnedMail.effect == ReturnEffect.BOUNCED, ~arrived)
    )


def is_bounced(recipient_key_id: int) -> ColumnElement[bool]:
    """Whether the last mail to an address of the current Customer came back."""
    return Customer.id.in_(_came_back(recipient_key_id, CustomerEmail.customer_id))


def count(session: Session, recipient_key_id: int, rows: Select[int, int, str]) -> int:
    """How many of these invoices that would be sent go to such an address. `rows`: those that match, with why
    each would be skipped. The customers are looked up first: they are few, or none."""
    found = _came_back(recipient_key_id, CustomerEmail.customer_id).distinct().limit(CUSTOMERS_MAX)
    customers = session.scalars(found).all()
    if not customers:
        return 0
    theirs = rows.where(Invoice.customer_id.in_(customers)).subquery()
    return session.scalar(select(func.count()).select_from(theirs).where(theirs.c.reason == "")) or 0


def notes(session: Session, recipient_key_id: int, customer_ids: Collection[int]) -> dict[int, list[str]]:
    """What to say of these customers: a@example.com bounced on 12 Nov 2026: no such mailbox (5.1.1)"""
    rows = session.execute(
        _came_back(recipient_key_id, CustomerEmail.customer_id, CustomerEmail.address, ReturnedMail)
        .where(CustomerEmail.customer_id.in_(customer_ids))
        .order_by(ReturnedMail.id)
    )
    found: dict[int, dict[str, str]] = {}
    for customer_id, address, mail in rows:
        on = notation.day(notation.local(mail.read_at), year=True)
        said = _("%(address)s bounced on %(day)s: %(why)s", address=address, day=on, why=words.says(mail))
        found.setdefault(customer_id, {})[address] = said  # the last one
    return {customer_id: list(said.values()) for customer_id, said in found.items()}
