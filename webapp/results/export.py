"""Results as the command line and the exports write them: plain values in one format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.results.filters import matching
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus
from webapp.store.types import iso

EXPORT_BATCH = 1_000


RESULT_COLUMNS = (
    "id",
    "customer",
    "invoices",
    "recipients",
    "status",
    "reason",
    "detail",
    "attempts",
    "message_id",
    "smtp_reply",
    "sent_at",
    "next_try_at",
)


def results(
    session: Session, viewer: Viewer, run: Run, status: str = "", reason: str = "", search: str = ""
) -> Iterator[dict[str, Any]]:
    """The run's results that the filter matches, in the order of their ids, with one page in memory at a
    time; without a filter all of them, removed ones too.

    Raises ValueError for a status or a reason that does not exist."""
    narrowed = matching(run.id, status, reason, search) if status or reason or search else []
    conditions = [Result.run_id == run.id, visible_to(viewer, Result), *narrowed]
    last = 0
    while lines := page(session, conditions, last):
        yield from lines
        last = lines[-1]["id"]
        session.expunge_all()


def page(session: Session, conditions: list[ColumnElement[bool]], after: int) -> list[dict[str, Any]]:
    """The next results under these conditions, in the order of their ids; empty at the end."""
    rows = session.execute(
        select(Result, Customer.code, func.coalesce(Result.version_id, Run.version_id))
        .join(Run, Run.id == Result.run_id)
        .join(Customer, Customer.id == Result.customer_id)
        .where(*conditions, Result.id > after)
        .order_by(Result.id)
        .limit(EXPORT_BATCH)
    ).all()
    numbers = _numbers(session, [result.id for result, _, _ in rows])
    addresses = addresses_of(session, [(result.id, version) for result, _, version in rows])
    return [
        _line(
            result,
            code,
            numbers[result.id],
            result.recipients if result.recipients is not None else addresses[result.id],
        )
        for result, code, _ in rows
    ]


def _line(result: Result, code: str, numbers: list[str], recipients: list[str]) -> dict[str, Any]:
    return {
        "id": result.id,
        "customer": code,
        "invoices": numbers,
        "recipients": recipients,
        "status": result.status,
        "reason": result.reason if result.status == ResultStatus.SKIPPED else "",
        "detail": result.detail or result.warning,
        "attempts": result.attempts,
        "message_id": result.message_id,
        "smtp_reply": result.smtp_reply,
        "sent_at": iso(result.sent_at),
        "next_try_at": iso(result.next_try_at) if result.status == ResultStatus.DEFERRED else None,
    }


def addresses_of(session: Session, results: Iterable[tuple[int, int]]) -> dict[int, list[str]]:
    """(result id, version id) → the addresses that a result would go to today, if it has not gone out yet."""
    found: dict[int, list[str]] = defaultdict(list)
    by_version: dict[int, list[int]] = defaultdict(list)
    for result_id, version_id in results:
        by_version[version_id].append(result_id)
    for version_id, ids in by_version.items():
        content = cast(Content, session.get_one(DefinitionVersion, version_id).content)
        of_customer = and_(
            CustomerEmail.customer_id == Result.customer_id,
            CustomerEmail.recipient_key_id == content["recipient_key_id"],
        )
        for result_id, address in session.execute(
            select(Result.id, CustomerEmail.address)
            .join(CustomerEmail, of_customer)
            .where(Result.id.in_(ids))
            .order_by(CustomerEmail.id)
        ):
            found[result_id].append(address)
    return found


def _numbers(session: Session, result_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for result_id, number in session.execute(
        select(ResultInvoice.result_id, Invoice.number)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(result_ids))
        .order_by(Invoice.id)
    ):
        found[result_id].append(number)
    return found
