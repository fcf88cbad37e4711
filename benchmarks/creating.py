"""Creating a run of very many results, against the bare minimum for a database, and while another run is
sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select

from benchmarks import meters
from benchmarks.installation import Site
from benchmarks.spending import Spent, spending
from webapp.definitions.versions import content_of
from webapp.results import search_index
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Attempt, Result
from webapp.store.types import now

BEFORE_SECONDS = 5.0
"""How long the other run is watched while nothing else goes on."""


@dataclass(frozen=True)
class Created:
    """What a run cost, and a bare CREATE TABLE AS of the same SELECT right before (the median of three).
    `thin`: the same of no more than which invoices it takes, and why they are skipped."""

    run_id: int
    results: int
    spent: Spent
    bare: Spent
    thin: Spent


@dataclass(frozen=True)
class Meanwhile:
    """What became of a run that was being sent while another one was made. Rates are messages per second;
    `longest_pause` is in seconds. `megabytes`: the worker's memory at the end."""

    rate_before: float
    rate: float
    longest_pause: float
    megabytes: float


def measure(site: Site, choice: Selection) -> Created:
    """Makes a run of this choice."""
    bare, thin = (_median([_bare(site, choice, whole=whole) for _ in range(3)]) for whole in (True, False))
    with spending(site) as spent:
        run_id = site.make_run(choice)
    with site.runtime.database.reading() as session:
        results = session.scalar(select(func.count()).where(Result.run_id == run_id)) or 0
    return Created(run_id, results, spent, bare, thin)


def _median(several: Sequence[Spent]) -> Spent:
    return sorted(several, key=lambda spent: spent.cpu)[len(several) // 2]


def _bare(site: Site, choice: Selection, *, whole: bool) -> Spent:
    """The rows alone: a table without keys, indices and checks, committed. `whole`: with what the pages sort
    by and search in, as the run's own SELECT has it."""
    database = site.runtime.database
    with database.writing() as session:
        content = content_of(session, session.get_one(MessageDefinition, choice.definition_id))
        customers = planned_customer_filter(session, choice)
        query = invoices_matching(choice, requirements_of(choice.definition_id, content), customers=customers)
        if whole:
            found_by = search_index.of_one_invoice(content)
            query = query.add_columns(*(column.label(name) for name, column in found_by.items()))
        sql = query.compile(database.engine, compile_kwargs={"literal_binds": True})
    with spending(site) as spent, database.writing() as session:
        session.connection().exec_driver_sql(f"CREATE TABLE bare AS {sql}")
    with database.writing() as session:
        session.connection().exec_driver_sql("DROP TABLE bare")
    return spent


def while_sending(site: Site, sending: int, choice: Selection) -> Meanwhile:
    """Starts this run with one worker, watches it alone, then while a run of the choice is made."""
    site.start_workers(1)
    site.start(sending)
    site.until(lambda: _sent(site, sending) > 0)
    time.sleep(3.0)  # the worker is warm
    alone = now()
    time.sleep(BEFORE_SECONDS)
    making = now()
    site.make_run(choice)
    made = now()
    site.stop(sending)
    memory = meters.megabytes(site.pids)
    site.stop_workers()
    before, during = _times(site, sending, alone, making), _times(site, sending, making, made)
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise([making, *during, made])]
    return Meanwhile(
        len(before) / (making - alone).total_seconds(),
        len(during) / (made - making).total_seconds(),
        max(pauses),
        memory,
    )


def _sent(site: Site, run_id: int) -> int:
    with site.runtime.database.reading() as session:
        return session.scalar(select(func.count()).where(Attempt.run_id == run_id)) or 0


def _times(site: Site, run_id: int, begin: datetime, end: datetime) -> Sequence[datetime]:
    """When the mails of this run were sent within this time."""
    with site.runtime.database.reading() as session:
        query = select(Attempt.ended_at).where(Attempt.run_id == run_id, Attempt.ended_at.between(begin, end))
        return [at for at in session.scalars(query.order_by(Attempt.ended_at)) if at]
