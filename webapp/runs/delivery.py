"""Delivery: a drain sends what a run has to send, for a while. How one message goes out is in lane.py."""

from __future__ import annotations

import secrets
import threading
import time

from sqlalchemy import select

from webapp.extensions import Runtime
from webapp.mailservers import slots, waiting
from webapp.runs import claims, lifecycle
from webapp.runs.lane import Budget, Lane, persist
from webapp.runs.workers import WorkerLife, living
from webapp.store.definitions import DefinitionVersion
from webapp.store.installation import held
from webapp.store.mailservers import MailServer
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus


def drain(
    runtime: Runtime, worker: WorkerLife, run_id: int, *, messages: int = 2_000, seconds: float = 30.0
) -> None:
    """Sends what this run has to send, for at most so many messages or seconds. Any number may run side by
    side.

    1. Leave if the run does not run, or if its mail server is in trouble and its time has not come.
    2. Take free connections of the server, at most this worker's share; none free: others are at it, leave.
    3. Open the first. If the server is in trouble, note it for everybody, and leave: no message is to blame.
    4. Run one lane per connection (see Lane.run), until nothing is left to claim or the budget is spent.
    5. Give the connections back. If nothing is left at all, the run is finished; if the budget ended it, ring
    again."""
    server, probing = _server(runtime, run_id)
    if server is None:
        return
    token = secrets.token_hex(16)
    with runtime.database.writing() as session:
        share = 1 if probing else -(-server.max_connections // max(1, living(session)))
        taken = slots.take(session, server, worker.id, token, share)
    if not taken:
        return
    budget = Budget(messages, time.monotonic() + seconds, worker.leaving)
    try:
        lanes = [Lane(runtime, worker, run_id, server, budget, suspect=probing) for _ in taken]
        if lanes[0].opens():
            _run_all(lanes)
    finally:
        persist(runtime, worker, lambda session: slots.give_back(session, taken))
    with runtime.database.writing() as session:
        finished = lifecycle.finish_if_done(session, run_id)
    if not finished and budget.spent and not worker.leaving.is_set():
        runtime.bell.drain(run_id)


def _server(runtime: Runtime, run_id: int) -> tuple[MailServer | None, bool]:
    """The mail server that this run goes through, if it may be used now; and whether it is being tried after
    trouble."""
    with runtime.database.writing() as session:
        run = session.scalar(select(Run).where(Run.id == run_id, Run.status == RunStatus.RUNNING))
        if run is None or held(session) or not claims.anything_due(session, run_id):
            return None, False
        content = session.get_one(DefinitionVersion, run.version_id).content
        server = session.get_one(MailServer, content["sender"]["mail_server_id"])
        probing = server.trouble is not None
        return (server, probing) if waiting.may_try(session, server) else (None, False)


def _run_all(lanes: list[Lane]) -> None:
    """Runs the first lane in this thread and the others beside it; ends when all have ended."""
    errors: list[BaseException] = []

    def guarded(lane: Lane) -> None:
        try:
            lane.run()
        except BaseException as error:  # told by the drain, once every lane is done
            errors.append(error)

    beside = [threading.Thread(target=guarded, args=(lane,)) for lane in lanes[1:]]
    for thread in beside:
        thread.start()
    guarded(lanes[0])
    for thread in beside:
        thread.join()
    if errors:
        raise errors[0]
