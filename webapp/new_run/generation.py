"""Generates a run's results from its selection: in slices, each one commit, so that no writer waits for long
and a crash costs one slice."""

from __future__ import annotations

import time
import typing
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import ColumnElement, Integer, case, cast, func, insert, literal, select, text, true
from sqlalchemy.orm import Session

from webapp.documents import document_checks
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.lifecycle.counts import adjust
from webapp.lifecycle.scheduling import start_by_itself
from webapp.new_run.pacing import SLICE_CUSTOMERS_FIRST, SLICE_SECONDS, SlicePacing
from webapp.new_run.preview import fingerprint, sums_of
from webapp.queue import JobQueue
from webapp.results import search_index
from webapp.selection import collation
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import (
    attached_documents,
    customer_filter,
    invoices_of_run,
    is_large_share,
    selection_of,
)
from webapp.store import locks
from webapp.store.customers import Customer
from webapp.store.database import Database
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.installation import held
from webapp.store.invoices import Invoice
from webapp.store.runs import ChosenInvoice, Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.translation import N_

SHARED_PAUSE_SECONDS = 0.12
"""Seconds between two slices while other runs send. Other processes try to write to SQLite every tenth of a
second: without a pause the next slice would always come first."""
_IN_PERIOD = (Invoice.period_start, Invoice.period_end, Invoice.id)
"""The order of one customer's invoices: that of the index that finds them, so nothing is sorted."""


def generate(
    runtime: Runtime,
    run_id: int,
    is_leaving: Callable[[], bool] = lambda: False,
    *,
    gives_way: bool = False,
) -> None:
    """Generate the results of a run that is `creating`, until it is complete, or until this process is
    stopping: the next call continues. Harmless on any other run. Raises OSError when documents are unchecked
    and their store is away.

    With `gives_way`, leave the run to a worker that is already generating results. Every sweep has a worker
    begin, in case no other does; two at a time would not harm the run, but those that are sending: on SQLite
    one would write in every pause that the other leaves them.

    0. Check the documents in the set that are unchecked (documents/document_checks.py).
    1. Lock the run's row; return if it is no longer `creating`: another worker has completed it. Give way if
    another has continued since the last slice.
    2. Take the next slice of its customers, above the watermark `generated_up_to`: enough for some tenths of
    a second, fewer while other runs send (pacing.py).
    3. If no customer is left, the run is `created`. If it was to be started, and its set is the previewed
    one, start it.
    4. Insert the slice's results and result_invoices, count them, move the watermark, commit; repeat from 1.

    Two generators at once do no harm: the second waits at 1 and continues behind the first one's
    watermark."""
    database = runtime.database
    if gives_way and _is_being_generated(database, run_id):
        return
    _check_documents(runtime, run_id, is_leaving)
    many = _takes_many(database, run_id)
    pacing, reached = SlicePacing(SLICE_CUSTOMERS_FIRST), None
    while not is_leaving():
        with database.writing() as session:
            began = time.monotonic()
            run = _locked(session, run_id)
            if run is None or (gives_way and _has_been_continued(run, reached)):
                return
            reached = _generate_next(session, runtime.queue, run, pacing.customers, many=many)
            if reached is None:
                return
            shared = runs.others_running(session, run_id)
        pacing = pacing.after(time.monotonic() - began, shared=shared)
        if shared and database.is_sqlite:
            time.sleep(SHARED_PAUSE_SECONDS)


def _locked(session: Session, run_id: int) -> Run | None:
    """The run with its row locked; None if it is no longer `creating`."""
    query = select(Run).where(Run.id == run_id, Run.status == RunStatus.CREATING)
    return session.scalar(query.with_for_update(key_share=True))


def _has_been_continued(run: Run, reached: int | None) -> bool:
    """Whether another worker has moved the watermark since this one reached it."""
    return reached is not None and run.generated_up_to != reached


def _generate_next(session: Session, queue: JobQueue, run: Run, size: int, *, many: bool) -> int | None:
    """Generate the next slice, of `size` customers; return its last customer id. If no customer is left,
    complete the run and return None."""
    content = typing.cast(Content, session.get_one(DefinitionVersion, run.version_id).content)
    locks.lock_erasures(session.connection(), exclusive=False)
    up_to = _end_of_slice(session, run, size, many=many)
    if up_to is None:
        _complete(session, queue, run, content)
    else:
        _generate_slice(session, run, content, up_to, many=many)
    return up_to


def _is_being_generated(database: Database, run_id: int) -> bool:
    """Whether a run that was begun grows, or is complete by now."""

    def generated_up_to() -> int | None:
        with database.reading() as session:
            creating = (Run.id == run_id, Run.status == RunStatus.CREATING)
            return session.scalar(select(Run.generated_up_to).where(*creating))

    before = generated_up_to()
    if not before:
        return False
    time.sleep(WATCH_SECONDS)
    return generated_up_to() != before


WATCH_SECONDS = 2 * SLICE_SECONDS


def _check_documents(runtime: Runtime, run_id: int, is_leaving: Callable[[], bool]) -> None:
    with runtime.database.reading() as session:
        run = session.scalar(select(Run).where(Run.id == run_id, Run.status == RunStatus.CREATING))
        if run is None:
            return
        conditions = attached_documents(run, typing.cast(Content, run.version.content))
    document_checks.check(runtime.database, runtime.documents, *conditions, is_leaving=is_leaving)


def _takes_many(database: Database, run_id: int) -> bool:
    """Whether the search for its invoices should not start with its clusters (selection/invoices.py,
    `customer_filter`). A slice of many customers is then read in the order of their ids, as it is written."""
    with database.reading() as session:
        run = session.get(Run, run_id)
        return run is not None and is_large_share(session, run.cluster_id, run.include_children)


def _end_of_slice(session: Session, run: Run, size: int, *, many: bool) -> int | None:
    """The highest customer id of the next slice; None when there is none. If they are `many` of all
    customers, which of the next ones belong to the run is not checked: that takes longer than a shorter
    slice costs."""
    wanted = true() if many else customer_filter(run.cluster_id, run.include_children)
    ids = (
        select(Customer.id)
        .where(wanted, Customer.id > run.generated_up_to)
        .order_by(Customer.id)
        .limit(size)
        .subquery()
    )
    highest: int | None = session.scalar(select(func.max(ids.c.id)))
    return highest


def _generate_slice(session: Session, run: Run, content: Content, up_to: int, *, many: bool) -> None:
    """One result for each invoice of the slice's customers. With collate, those of one customer that can be
    sent are then collated."""
    before = session.scalar(select(func.max(Result.id)).where(Result.run_id == run.id)) or 0
    found_by = search_index.of_one_invoice(content)
    in_slice = (id.between(run.generated_up_to + 1, up_to) for id in (Customer.id, Invoice.customer_id))
    rows = (
        invoices_of_run(run, requirements_of(run.definition_id, content), many=many)
        .add_columns(*(column.label(name) for name, column in found_by.items()))
        .where(*in_slice)  # said of both: PostgreSQL would look for the invoices among all of the period's
        .order_by(Customer.id, *_IN_PERIOD)
        .offset(0)  # or it would be merged into what is around it, and why it is skipped worked out twice
        .subquery()
    )
    status = case(
        (rows.c.reason == "", literal(ResultStatus.READY.value)), else_=literal(ResultStatus.SKIPPED.value)
    )
    session.execute(
        insert(Result).from_select(
            ["lead_invoice_id", "customer_id", "reason", *found_by, "run_id", "status"],
            select(*rows.c, literal(run.id), status),
        )
    )
    made = (Result.run_id == run.id, Result.id > before)
    session.execute(
        insert(ResultInvoice).from_select(
            ["run_id", "invoice_id", "result_id", "copy"],
            select(Result.run_id, Result.lead_invoice_id, Result.id, _copy(run)).where(*made),
        )
    )
    if content["collate"]:
        collation.collate(session, content, *made)
        search_index.index(session, content, *made, Result.status == ResultStatus.READY)
    counted = session.execute(
        select(Result.status, Result.reason, func.count()).where(*made).group_by(Result.status, Result.reason)
    )
    adjust(session, run.id, Counter({(status, reason): n for status, reason, n in counted}))
    run.generated_up_to = up_to


def _copy(run: Run) -> ColumnElement[int]:
    """The copy number of a result's invoice: the first; or, if all are sent again, the next after those that
    were reserved when the run was created. What another run sends while this list is generated counts as
    already sent."""
    if not run.resend_already_sent:
        return literal(1)
    highest = (
        select(func.coalesce(func.max(Reservation.copy), 0))
        .where(
            Reservation.definition_id == run.definition_id,
            Reservation.invoice_id == Result.lead_invoice_id,
            Reservation.attempt_id <= run.refusals_counted_after,
        )
        .scalar_subquery()
    )
    return cast(highest, Integer) + 1


def _complete(session: Session, queue: JobQueue, run: Run, content: Content) -> None:
    """The run is complete. Start it if that was asked for, unless its set differs from the previewed one."""
    run.status = RunStatus.CREATED
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        # Its own statistics come a minute later: until then it would plan a run's pages as if it were empty.
        # Those of the columns that rows are chosen by take a third of the time that those of all do.
        columns = "run_id, status, reason, customer_id, worker_id, next_try_at"
        session.execute(text(f"ANALYZE result ({columns}), result_invoice"))
    if run.preview_fingerprint and run.preview_fingerprint != generated_fingerprint(session, run, content):
        run.problem = N_(
            "The invoices changed while this list was made, so it is not what the preview showed. "
            "Look at the numbers, then press Start."
        )
        run.start_at = None
    elif run.start_when_created and not held(session):
        start_by_itself(session, queue, run)


def generated_fingerprint(session: Session, run: Run, content: Content) -> str:
    """The fingerprint that a preview of exactly what was made would have."""
    chosen = session.scalars(select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run.id))
    lines = session.execute(
        sums_of(ResultInvoice.invoice_id, Result.reason)
        .select_from(ResultInvoice)
        .join(Result, Result.id == ResultInvoice.result_id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.run_id == run.id)
    )
    return fingerprint(replace(selection_of(run), invoice_ids=tuple(chosen)), content, lines)
