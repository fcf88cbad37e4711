"""A run whose results are in the statuses that a test wants to begin with."""

from __future__ import annotations

from tests.browser import Browser, text_of
from tests.runs.conftest import World
from webapp.runs.moves import hold, move
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus

S = ResultStatus
PATHS = {
    S.READY: (),
    S.SKIPPED: (S.SKIPPED,),
    S.REMOVED: (S.REMOVED,),
    S.SENT: (S.SENDING, S.SENT),
    S.FAILED: (S.SENDING, S.FAILED),
    S.UNCONFIRMED: (S.SENDING, S.UNCONFIRMED),
}


def made(world: World, *statuses: ResultStatus) -> tuple[int, list[str]]:
    """A run whose results have these statuses, one each; its id and theirs."""
    for _ in statuses:
        world.add()
    run_id = world.run()
    ids = [result.id for result in world.results(run_id)]
    for id, status in zip(ids, statuses, strict=True):
        for step in PATHS[status]:
            with world.runtime.database.writing() as session:
                move(session, run_id, hold(session, Result.id == id), step, values=needed(step))
    return run_id, [str(id) for id in ids]


def needed(step: ResultStatus) -> dict[str, object]:
    match step:
        case S.SENDING:
            return {"token": "t"}
        case S.REMOVED:
            return {"removed_from": "ready"}
    return {}


def said(browser: Browser, url: str) -> str:
    return text_of(browser.look(url))
