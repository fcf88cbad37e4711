"""A run whose results are in the statuses that a test wants to begin with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from tests.http_client import Browser, text_of
from tests.world import World
from webapp.lifecycle.results import lock_results, transition
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.store.types import now

PATHS = {
    ResultStatus.READY: (),
    ResultStatus.SKIPPED: (ResultStatus.SKIPPED,),
    ResultStatus.SENDING: (ResultStatus.SENDING,),
    ResultStatus.SENT: (ResultStatus.SENDING, ResultStatus.SENT),
    ResultStatus.DEFERRED: (ResultStatus.SENDING, ResultStatus.DEFERRED),
    ResultStatus.FAILED: (ResultStatus.SENDING, ResultStatus.FAILED),
    ResultStatus.UNCONFIRMED: (ResultStatus.SENDING, ResultStatus.UNCONFIRMED),
    ResultStatus.BOUNCED: (ResultStatus.SENDING, ResultStatus.SENT, ResultStatus.BOUNCED),
    ResultStatus.REMOVED: (ResultStatus.REMOVED,),
}
"""The moves that lead a result that is `ready` there."""


def made(world: World, *statuses: ResultStatus) -> tuple[int, list[str]]:
    """A run whose results have these statuses, one each; its id and theirs."""
    for _ in statuses:
        world.add()
    run_id = world.run()
    ids = [result.id for result in world.results(run_id)]
    for id, status in zip(ids, statuses, strict=True):
        lead(world, run_id, status, Result.id == id)
    return run_id, [str(id) for id in ids]


def lead(
    world: World, run_id: int, status: ResultStatus, *which: ColumnElement[bool], reason: str = ""
) -> None:
    """Leads these results of the run, or all, from `ready` into this status, for this reason."""
    for step in PATHS[status]:
        with world.runtime.database.writing() as session:
            rows = lock_results(session, Result.run_id == run_id, *which)
            transition(session, run_id, rows, step, reason=reason, values=NEEDED.get(step, {}))


NEEDED: dict[ResultStatus, dict[str, Any]] = {
    ResultStatus.SENDING: {"token": "t"},
    ResultStatus.DEFERRED: {"next_try_at": now()},
    ResultStatus.REMOVED: {"removed_from": "ready"},
}
"""What a result in these statuses always has."""


def said(browser: Browser, url: str) -> str:
    """The words of the page at this address."""
    return text_of(browser.look(url))
