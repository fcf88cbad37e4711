"""Results as the command line and the exports write them: plain values in one format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.results.bulk import NAMED
from webapp.results.filters import matching
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus
from webapp.store.types import iso
from webapp.store.users import AuditEntry

EXPORT_BATCH = 1_000
MOMENTS = ("sent_at", "next_try_at")

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
    "customer_name",
    "amounts",
    "removed_by",
)


@dataclass(frozen=True)
class InvoiceOfResult:
    """What a line says of an invoice."""

    number: str
    currency: str
    gross_amount: Decimal


def results(
    session: Session, viewer: Viewer, run: Run, status: str = "", reason: str = "", search: str = ""
) -> Iterator[dict[str, Any]]:
    """The run's results that the filter matches, in the order of their ids, with one page in memory at a
    time; without a filter all of them, removed ones too.

    Raises ValueError for a status or a reason that does not exist."""
    narrowed = matching(run.id, status, reason, search) if status or reason or search else []
    conditions = [Result.run_id == run.id, visible_to(viewer, Result), *narrowed]
    last, removals = 0, Removals(session, run.id)
    while lines := page(session, conditions, last, removals):
        yield from lines
        last = lines[-1]["id"]
        session.expunge_all()


def page(
    session: Session,
    conditions: list[ColumnElement[bool]],
    after: int,
    removals: Removals | None = None,
) -> list[dict[str, Any]]:
    """The next results under these conditions, in the order of their ids; empty at the end."""
    rows = session.execute(
        select(Result, Customer.code, Customer.name, func.coalesce(Result.version_id, Run.version_id))
        .join(Run, Run.id == Result.run_id)
        .join(Customer, Customer.id == Result.customer_id)
        .where(*conditions, Result.id > after)
        .order_by(Result.id)
        .limit(EXPORT_BATCH)
    ).all()
    invoices = _invoices(session, [result.id for result, *_ in rows])
    addresses = addresses_of(session, [(result.id, version) for result, *_, version in rows])
    return [
        {
            **_line(
                result,
                code,
                invoices[result.id],
                result.recipients if result.recipients is not None else addresses[result.id],
            ),
            "customer_name": name,
            "amounts": _amounts(invoices[result.id]),
            "removed_by": removals.by(result) if removals else "",
        }
        for result, code, name, _ in rows
    ]


def _line(
    result: Result, code: str, invoices: list[InvoiceOfResult], recipients: list[str]
) -> dict[str, Any]:
    return {
        "id": result.id,
        "customer": code,
        "invoices": [invoice.number for invoice in invoices],
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


def _invoices(session: Session, result_ids: list[int]) -> dict[int, list[InvoiceOfResult]]:
    """Number, currency and gross amount of each result's invoices."""
    found: dict[int, list[InvoiceOfResult]] = defaultdict(list)
    for row in session.execute(
        select(ResultInvoice.result_id, Invoice.number, Invoice.currency, Invoice.gross_amount)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(result_ids))
        .order_by(Invoice.id)
    ):
        found[row[0]].append(InvoiceOfResult(*row[1:]))
    return found


def _amounts(invoices: list[InvoiceOfResult]) -> dict[str, str]:
    """The gross amounts, added up by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        sums[invoice.currency] += invoice.gross_amount
    return {currency: f"{amount:.2f}" for currency, amount in sorted(sums.items())}


class Removals:
    """Who removed results of a run, from its audit. Of very many results the audit has no ids: these were
    removed by the first such entry after their last change."""

    def __init__(self, session: Session, run_id: int) -> None:
        entries = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.subject == f"run {run_id}", AuditEntry.action == "remove")
            .order_by(AuditEntry.id)
        )
        self._named: dict[int, str] = {}
        self._many: list[tuple[datetime, str]] = []
        for entry in entries:
            _, named, ids = entry.detail.partition(NAMED)
            self._named.update((int(id), entry.actor) for id in ids.split(", ") if named)
            if not named:
                self._many.append((entry.at, entry.actor))

    def by(self, result: Result) -> str:
        """Who removed this result; empty if it is not removed."""
        if result.status != ResultStatus.REMOVED:
            return ""
        later = (actor for at, actor in self._many if at >= result.changed_at)
        return self._named.get(result.id) or next(later, "")


def sheet(
    session: Session, run_id: int, lines: Iterable[dict[str, Any]]
) -> tuple[Iterator[dict[str, Any]], list[str]]:
    """The lines as rows of a workbook, with their columns: an amount for each currency of the run, as a
    number, and moments as such."""
    of_run = select(Invoice.currency).join(ResultInvoice, ResultInvoice.invoice_id == Invoice.id)
    currencies = sorted(session.scalars(of_run.where(ResultInvoice.run_id == run_id).distinct()))
    columns = [name for name in RESULT_COLUMNS if name != "amounts"]
    columns += [f"amount {currency}" for currency in currencies]

    def rows() -> Iterator[dict[str, Any]]:
        for line in lines:
            amounts: dict[str, Any] = {f"amount {currency}": None for currency in currencies}
            amounts |= {f"amount {currency}": Decimal(text) for currency, text in line["amounts"].items()}
            moments = {name: line[name] and datetime.fromisoformat(line[name]) for name in MOMENTS}
            yield {**line, **moments, **amounts}

    return rows(), columns
