"""What fourteen months of runs leave behind (filling.py): runs for each month, a result and an attempt for
every invoice, one result in twenty with something that is wrong with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, cast, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from benchmarks.filling import (
    CLUSTERS,
    MONTHS,
    add,
    by_share,
    constant,
    first_of,
    moment,
    numbers,
    period,
    scattered,
    words,
)
from tests import factories
from webapp.definitions.versions import todays_version
from webapp.store.counts import RunCount
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt, Reservation, Result, ResultInvoice, Run
from webapp.store.users import AuditEntry

RUNS = ((2, 600), (3, 300), (1, 100))
"""The clusters that have a run each month, and how many of a thousand invoices are in it."""
SKIPPED = (
    *(("no_recipient", 9), ("no_attachment", 5), ("suspect_document", 4)),
    *(("no_password", 5), ("unlockable", 2), ("suspended", 2), ("not_approved", 2)),
)
REFUSED = (
    *(("550 5.1.1 no such user", 6), ("554 5.7.1 blocked by policy", 5)),
    *(("", 7), ("250 2.0.0 Ok: queued as 4Q", 3)),
)
"""Failed for the address, failed otherwise, bounced, unconfirmed: of a thousand results."""


def fill(session: Session, customers: int) -> None:
    """Add the runs of the company."""
    invoices = customers * 5
    definition = factories.definition(session, factories.mail_server(session), password_key="password")
    factories.definition(session)
    version = todays_version(session, definition)
    for month in range(MONTHS):
        _runs(session, month, definition.id, version.id, invoices)
        _results(session, month, invoices, customers)
    _attempts(session, definition.id, version.id)
    parts = (Result.run_id, Result.status, case((Result.status == "skipped", Result.reason), else_=""))
    counts = select(*parts, literal(0), func.count()).group_by(*parts)
    session.execute(insert(RunCount).from_select(["run_id", "status", "reason", "worker_id", "n"], counts))
    i = numbers(1, customers // 4)
    entry = {"actor": literal("m@example.com"), "action": literal("edit")}
    add(session, AuditEntry, {**entry, "subject": words("customer C", 100_000 + i)})


def _runs(session: Session, month: int, definition_id: int, version_id: int, invoices: int) -> None:
    first, last = period(month)
    for place, (cluster, _) in enumerate(RUNS):
        session.add(
            Run(
                id=1 + month * len(RUNS) + place,
                name=f"Monthly invoice {first:%B %Y}, {CLUSTERS[cluster - 1]}",
                definition_id=definition_id,
                version_id=version_id,
                cluster_id=cluster,
                include_children=True,
                period_from=first,
                period_to=last,
                highest_invoice_id=invoices,
                message_key=f"{month}.{place}",
                created_by="m@example.com",
                created_at=moment(month),
                status="created" if month == MONTHS - 1 else "finished",
            )
        )
    session.flush()


def _results(session: Session, month: int, invoices: int, customers: int) -> None:
    """The results have the ids of their invoices."""
    share, wrong = scattered(Invoice.id, 1000, 31), scattered(Invoice.id, 1000, 104_729)
    places = [(1 + month * len(RUNS) + place, part) for place, (_, part) in enumerate(RUNS)]
    skipped, refused = sum(n for _, n in SKIPPED), wrong - sum(n for _, n in SKIPPED)
    failed = (("skipped", skipped), ("failed", 11), ("bounced", 7), ("unconfirmed", 3))
    is_last = month == MONTHS - 1
    has_gone = and_(wrong >= skipped, refused < 21) if is_last else wrong >= skipped
    address = words("", case((Customer.id % 4 == 0, ".nl"), else_=".example"))
    columns = {
        "id": Invoice.id,
        "run_id": by_share(share, places, places[0][0]),
        "customer_id": Customer.id,
        "lead_invoice_id": Invoice.id,
        "status": by_share(wrong, failed, "ready" if is_last else "sent"),
        "reason": by_share(wrong, SKIPPED, ""),
        "detail": case((has_gone, by_share(refused, REFUSED[:2], "")), else_=""),
        "smtp_reply": case((has_gone, by_share(refused, REFUSED, "250 2.0.0 Ok")), else_=""),
        "attempts": case((has_gone, 1), else_=0),
        "message_id": case((has_gone, words("<1.", Invoice.id, ".1.abcdef01@example.com>")), else_=""),
        "sort_name": Customer.sort_name,
        "amount": Invoice.gross_amount,
        "search_text": func.lower(words("", Customer.code, " ", Customer.name, " ", Invoice.number)),
        "recipients": case(
            (has_gone, as_json(session, words('["billing@customer', Customer.id, address, '"]')))
        ),
        "sent_at": constant(moment(month), Result, "sent_at"),
        "changed_at": constant(moment(month), Result, "changed_at"),
    }
    last = first_of(month + 1, invoices) - 1
    rows = select(*columns.values()).join_from(Invoice, Customer, Customer.id == Invoice.customer_id)
    rows = rows.where(Invoice.id.between(first_of(month, invoices), last))
    session.execute(insert(Result).from_select([*columns], rows))


def as_json(session: Session, text: Any) -> Any:
    """The JSON text, as the database keeps it."""
    return text if session.get_bind().dialect.name == "sqlite" else cast(text, JSONB)


def _attempts(session: Session, definition_id: int, version_id: int) -> None:
    """An attempt for each result that went out, or was tried, and the reservations of those that went out."""
    rows = {"run_id": Result.run_id, "invoice_id": Result.lead_invoice_id, "result_id": Result.id}
    session.execute(insert(ResultInvoice).from_select([*rows], select(*rows.values())))
    server = select(MailServer.id).limit(1).scalar_subquery()
    tried = {
        "id": Result.id,
        "run_id": Result.run_id,
        "result_id": Result.id,
        "number": literal(1),
        "mail_server_id": server,
        "version_id": literal(version_id),
        "started_at": Result.changed_at,
        "ended_at": Result.changed_at,
        "outcome": case((Result.status == "failed", "refused"), else_="accepted"),
        "reply": Result.smtp_reply,
        "queue_id": case((Result.status == "failed", ""), else_=words("4Q", Result.id)),
        "message_id": Result.message_id,
        "recipients": Result.recipients,
    }
    was_tried = Result.attempts > 0
    session.execute(insert(Attempt).from_select([*tried], select(*tried.values()).where(was_tried)))
    reserved = {
        "definition_id": literal(definition_id),
        "invoice_id": Result.lead_invoice_id,
        "copy": literal(1),
        "result_id": Result.id,
        "attempt_id": Result.id,
        "taken_at": Result.changed_at,
    }
    went = select(*reserved.values()).where(was_tried, Result.status != "failed")
    session.execute(insert(Reservation).from_select([*reserved], went))
