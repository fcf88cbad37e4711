"""Lets go of returned mails: they have addresses, and words of customers. What they changed stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlalchemy.orm import Session

from webapp.store.bounces import ReturnedMail, ReturnState
from webapp.store.customers import CustomerEmail
from webapp.store.runs import Result

WITHOUT_PEOPLE: dict[str, Any] = {
    "raw": None,
    "sent_from": "",
    "subject": "",
    "recipient": "",
    "reply": "",
    "server": "",
    "recipients": [],
}
"""What is left of a returned mail: that it came, when, what kind it was, and its code."""


def delete_raw(session: Session, before: datetime) -> int:
    """Delete the bytes of the mails that were read before this moment; return of how many."""
    old = update(ReturnedMail).where(ReturnedMail.read_at < before, ReturnedMail.raw.is_not(None))
    return _changed(session, old.values(raw=None))


def clear(session: Session, *which: ColumnElement[bool]) -> int:
    """Let go of all that these returned mails say of people; return how many there were."""
    return _changed(session, update(ReturnedMail).where(*which).values(WITHOUT_PEOPLE))


def clear_loose(session: Session, before: datetime) -> int:
    """The same for those that are of no result, and were read before this moment."""
    loose = and_(ReturnedMail.result_id.is_(None), ReturnedMail.state != ReturnState.MATCHED)
    return clear(session, loose, ReturnedMail.read_at < before, not_(ReturnedMail.sent_from == ""))


def of_customer(customer_id: int) -> ColumnElement[bool]:
    """Whether the ReturnedMail is, or may be, about this customer: by its result, or by an address. Asked
    before the addresses are deleted."""
    results = select(Result.id).where(Result.customer_id == customer_id)
    addresses = select(func.lower(CustomerEmail.address)).where(CustomerEmail.customer_id == customer_id)
    return or_(
        ReturnedMail.result_id.in_(results),
        ReturnedMail.guess_result_id.in_(results),
        ReturnedMail.recipient.in_(addresses),
        func.lower(ReturnedMail.sent_from).in_(addresses),
    )


def _changed(session: Session, changing: Any) -> int:
    done = session.execute(changing, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]
