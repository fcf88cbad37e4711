"""What a person does to very many results at once: Send again and Remove on everything that a filter
matches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.installation import Site
from benchmarks.spending import Spent, spending
from webapp.access import OPERATOR
from webapp.lifecycle.results import lock_results, transition
from webapp.results import actions, resend
from webapp.results.bulk import BulkOutcome, BulkSelection
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus


@dataclass(frozen=True)
class Bulk:
    """What each cost, and how many results it changed."""

    results: int
    send_again: Spent
    remove: Spent


def measure(site: Site, run_id: int, most: int) -> Bulk:
    """Lets this number of results fail and sends them again; lets as many fail once more and removes them."""
    queue, failed = site.runtime.queue, BulkSelection(run_id, status="failed")

    def again(session: Session) -> BulkOutcome:
        return resend.send_again(session, queue, failed, OPERATOR)

    def remove(session: Session) -> BulkOutcome:
        return actions.remove(session, failed, OPERATOR)

    results = _fail(site, run_id, most)
    sent_again = _spent(site, again, results)
    _fail(site, run_id, most)
    return Bulk(results, sent_again, _spent(site, remove, results))


def _spent(site: Site, verb: Callable[[Session], BulkOutcome], expected: int) -> Spent:
    with spending(site) as spent, site.runtime.database.writing() as session:
        done = verb(session)
    if done.changed != expected:
        raise RuntimeError(f"{done.changed} of {expected} were changed: {done.unchanged}")
    return spent


def _fail(site: Site, run_id: int, most: int) -> int:
    """Moves the first ready results to `failed`; returns how many."""
    with site.runtime.database.writing() as session:
        ready = (Result.run_id == run_id, Result.status == ResultStatus.READY)
        first = select(Result.id).where(*ready).order_by(Result.id).limit(most).subquery()
        highest = session.scalar(select(func.max(first.c.id)))
        rows = lock_results(session, *ready, Result.id <= highest)
        return transition(session, run_id, rows, ResultStatus.FAILED, values={"detail": "made to fail"})
