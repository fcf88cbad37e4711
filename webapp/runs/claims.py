"""A worker claims results: a batch by one conditional UPDATE, looked at anew, with everything that delivery
needs."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from webapp.definitions.versions import Content
from webapp.runs.moves import UNCLAIMED, hold, move
from webapp.runs.selection import skip_reason, terms_of
from webapp.runs.splitting import split_off
from webapp.store.customers import Customer
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import Invoice
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now

SENDABLE = (ResultStatus.READY, ResultStatus.DEFERRED)


@dataclass(frozen=True)
class Claim:
    """These results are this worker's to send, as long as they bear the token."""

    run_id: int
    worker_id: int
    token: str
    result_ids: tuple[int, ...]


def claim(session: Session, run_id: int, worker_id: int, at_most: int) -> Claim:
    """Claims up to so many results of a running run, oldest first; maybe none.

    1. Pick rows that are `ready`, or `deferred` and due, that nobody has claimed, and whose invoices are not
    on the wire for another result; skip rows that another worker is claiming right now.
    2. Store worker and token. The status stays: nothing has gone out.
    3. Look at each anew. What can no longer be sent is `skipped` with the reason (in a collated result: only
    the invoice that cannot), and not part of the claim."""
    token = secrets.token_hex(16)
    running = session.scalar(select(exists().where(Run.id == run_id, Run.status == RunStatus.RUNNING)))
    ids = _pick(session, run_id, at_most) if running else []
    if not ids:
        return Claim(run_id, worker_id, token, ())
    session.execute(
        update(Result).where(Result.id.in_(ids)).values(worker_id=worker_id, token=token),
        execution_options={"synchronize_session": False},
    )
    sendable = look_anew(session, run_id, ids, worker_id)
    return Claim(run_id, worker_id, token, tuple(sendable))


def give_back(session: Session, claim: Claim) -> None:
    """Frees what was claimed and has not been marked, in one statement."""
    session.execute(
        update(Result)
        .where(
            Result.id.in_(claim.result_ids),
            Result.token == claim.token,
            Result.status.in_(SENDABLE),
        )
        .values(**UNCLAIMED),
        execution_options={"synchronize_session": False},
    )


def due(run_id: int) -> tuple[ColumnElement[bool], ...]:
    """The results of a run that a worker could claim now."""
    return (
        Result.run_id == run_id,
        Result.worker_id.is_(None),
        or_(
            Result.status == ResultStatus.READY,
            and_(Result.status == ResultStatus.DEFERRED, Result.next_try_at <= now()),
        ),
        ~_on_the_wire_elsewhere(),
    )


def _pick(session: Session, run_id: int, at_most: int) -> list[int]:
    """Ids first, then an UPDATE by id: PostgreSQL plans `IN (SELECT … LIMIT n)` badly (spec speed.md)."""
    waiting = select(Result.id).where(*due(run_id)).order_by(Result.id).limit(at_most)
    return list(session.scalars(waiting.with_for_update(skip_locked=True)))


def _on_the_wire_elsewhere() -> ColumnElement[bool]:
    """Whether an invoice of the Result at hand is just being sent by another one: wait, then look again."""
    other, own = aliased(Result), aliased(ResultInvoice)
    return (
        exists()
        .where(own.result_id == Result.id)
        .where(Run.id == Result.run_id)
        .where(Reservation.definition_id == Run.definition_id, Reservation.invoice_id == own.invoice_id)
        .where(Reservation.copy >= own.copy)
        .where(other.id == Reservation.result_id, other.status == ResultStatus.SENDING)
        .correlate(Result)
    )


def look_anew(session: Session, run_id: int, result_ids: Sequence[int], worker_id: int) -> list[int]:
    """Looks whether these results, held, can still be sent; those that cannot become `skipped`. Returns the
    others.

    One whose invoice has gone on another result's wire since it was picked is set free to wait.
    """
    wait = set(session.scalars(select(Result.id).where(Result.id.in_(result_ids), _on_the_wire_elsewhere())))
    session.execute(
        update(Result).where(Result.id.in_(wait)).values(**UNCLAIMED),
        execution_options={"synchronize_session": False},
    )
    skipped: dict[str, list[int]] = defaultdict(list)
    for result_id, by_invoice in reasons_of(session, set(result_ids) - wait).items():
        if reason := split_off(session, result_id, by_invoice, worker_id):
            skipped[reason].append(result_id)
    for reason, ids in skipped.items():
        rows = hold(session, Result.id.in_(ids))
        move(
            session, run_id, rows, ResultStatus.SKIPPED, reason=reason, worker_id=worker_id, values=UNCLAIMED
        )
    gone = wait.union(*skipped.values())
    return [result_id for result_id in result_ids if result_id not in gone]


def reasons_of(
    session: Session, result_ids: Iterable[int], with_version: int | None = None
) -> dict[int, dict[int, str]]:
    """For each result: invoice id → why it cannot be sent now, or empty.

    The terms are those of the version that the result would be sent with, unless another is given.
    """
    by_version: dict[tuple[int, int], list[int]] = defaultdict(list)
    for result_id, version_id, definition_id in session.execute(
        select(Result.id, func.coalesce(with_version, Result.version_id, Run.version_id), Run.definition_id)
        .join(Run, Run.id == Result.run_id)
        .where(Result.id.in_(result_ids))
        .order_by(Result.id)
    ):
        by_version[version_id, definition_id].append(result_id)
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for (version_id, definition_id), ids in by_version.items():
        content = cast(Content, session.get_one(DefinitionVersion, version_id).content)
        reason = skip_reason(terms_of(definition_id, content), ResultInvoice.copy)
        for result_id, invoice_id, words in session.execute(
            select(ResultInvoice.result_id, Invoice.id, reason)
            .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
            .join(Customer, Customer.id == Invoice.customer_id)
            .where(ResultInvoice.result_id.in_(ids))
            .order_by(Invoice.id)
        ):
            found[result_id][invoice_id] = words
    return found
