"""Runs and their results as the command line and exports give them (contract.md): plain values, one shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.definitions.versions import Content
from webapp.lifecycle.counts import counts
from webapp.mailservers.backoff import waiting_sentence
from webapp.results.filters import matching
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import DefinitionVersion
from webapp.store.installation import Installation, held_by
from webapp.store.invoices import Invoice
from webapp.store.mailservers import MailServer
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, RunStatus

PAGE = 1_000
COLUMNS = (
    *("id", "customer", "invoices", "recipients", "status", "reason", "detail", "attempts"),
    *("message_id", "smtp_reply", "sent_at", "next_try_at"),
)


def show(session: Session, run: Run) -> dict[str, Any]:
    """The run as `runs show --json` prints it. Times are ISO 8601 in UTC."""
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "definition": run.definition.name,
        "cluster": run.cluster.tag_name,
        "include_children": run.include_children,
        "period_from": run.period_from.isoformat(),
        "period_to": run.period_to.isoformat(),
        "bcc": run.bcc,
        "problem": problem(session, run),
        "counts": {status.value: n for status, n in counts(session, run.id).by_status.items()},
        "created_at": _iso(run.created_at),
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
    }


@dataclass(frozen=True)
class Hindrance:
    """What keeps a run from going on: the database belongs to another secret key (`held`), a running run
    waits for this mail server, or it has a problem of its own."""

    held: str | None
    server: MailServer | None
    own: str | None
    is_over: bool

    @property
    def words(self) -> str | None:
        """What a person is told first; None if it goes on, or is over."""
        if self.held and not self.is_over:
            return self.held
        return waiting_sentence(self.server) if self.server else self.own


def hindrance(session: Session, run: Run) -> Hindrance:
    """What keeps this run from going on, if anything does."""
    content = cast(Content, session.get_one(DefinitionVersion, run.version_id).content)
    in_trouble = and_(MailServer.id == content["sender"]["mail_server_id"], MailServer.trouble.is_not(None))
    id, key_check, server = session.execute(
        select(Installation.id, Installation.key_check, MailServer)
        .select_from(Installation)
        .outerjoin(MailServer, in_trouble)
        .execution_options(populate_existing=True)
    ).one()
    why = held_by(session, id, key_check)
    waits = run.status == RunStatus.RUNNING and not (why or run.problem)
    return Hindrance(why, server if waits else None, run.problem, run.status == RunStatus.FINISHED)


def problem(session: Session, run: Run) -> str | None:
    """What keeps this run from going on, in words."""
    return hindrance(session, run).words


def results(
    session: Session, viewer: Viewer, run: Run, status: str = "", reason: str = "", search: str = ""
) -> Iterator[dict[str, Any]]:
    """The run's results that the filter matches, in the order of their ids, a page in memory at a time;
    without a filter all of them, removed ones too.

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
        .limit(PAGE)
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
        "sent_at": _iso(result.sent_at),
        "next_try_at": _iso(result.next_try_at) if result.status == ResultStatus.DEFERRED else None,
    }


def addresses_of(session: Session, results: Iterable[tuple[int, int]]) -> dict[int, list[str]]:
    """(result id, version id) → the addresses that a result which has not gone out yet would go to today."""
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


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None
