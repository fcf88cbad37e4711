"""Delivery: a drain sends what a run has to send, for a while. How one message goes out is in lane.py."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from webapp.delivery import claims
from webapp.delivery.connection import Connection
from webapp.delivery.group_commit import GroupCommit
from webapp.delivery.prefetch import Prefetcher
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.mailing.event_loop import EventLoop
from webapp.mailing.rates import Rates
from webapp.mailservers import backoff, connection_slots
from webapp.mailservers.connection_slots import Slot
from webapp.store.definitions import DefinitionVersion
from webapp.store.installation import held
from webapp.store.mailservers import MailServer
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.workers import WorkerProcess, count_alive


def drain(
    runtime: Runtime, worker: WorkerProcess, run_id: int, *, messages: int = 20_000, seconds: float = 30.0
) -> None:
    """Sends what this run has to send, for at most so many messages or seconds. Any number may run side by
    side.

    1. Leave if the run does not run, or if its mail server is in trouble and its time has not come.
    2. Take free connections of the server, at most this worker's share; none free: others are at it, leave.
    If some stay free, ring for another worker.
    3. Open the first. If the server is in trouble, note it for everybody, and leave: no message is to blame.
    4. A thread claims, loads and renders ahead (feed.py). One lane per connection takes from it and hands
    over message after message (lane.py). The lanes run by turns in one thread, and change places where one
    waits for the mail server (mailing/event_loop.py). What they have to write they put into one book, whose
    rounds are one commit each (ledger.py): marks before the last bytes, and what became of earlier messages.
    5. Give back the connections, and what was claimed and not marked. If nothing is left at all, the run is
    finished; if something is due, ring again."""
    server, probing = _server(runtime, run_id)
    if server is None:
        return
    token = secrets.token_hex(16)
    try:
        spent = _send(runtime, worker, run_id, server, probing, token, messages, time.monotonic() + seconds)
    finally:
        worker.persist(lambda session: connection_slots.give_back(session, token))
    with runtime.database.writing() as session:
        finished = runs.finish_if_done(session, run_id)
        due = spent and not finished and claims.anything_due(session, run_id)
    if due and not worker.stopping.is_set():
        runtime.queue.enqueue_drain(run_id)


def _send(
    runtime: Runtime,
    worker: WorkerProcess,
    run_id: int,
    server: MailServer,
    probing: bool,
    token: str,
    messages: int,
    until: float,
) -> bool:
    """Steps 2 to 4, and of 5 the results. Whether it was the budget that ended it."""
    workers, taken = _take(runtime, worker, server, probing, token)
    if not taken:
        return False
    rates = Rates(runtime.counters, workers)
    hub = EventLoop()
    feed = Prefetcher(runtime, worker, run_id, server, rates, hub, len(taken), messages, until)
    ledger = GroupCommit(runtime, worker, run_id, hub, len(taken))
    lanes = [Connection(runtime, worker, server, feed, ledger, rates, hub, suspect=probing) for _ in taken]
    if lanes[0].opens():
        _ring_for_help(runtime, run_id, server)
        _run_all(lanes, feed, ledger, hub)
    return feed.spent


def _take(
    runtime: Runtime, worker: WorkerProcess, server: MailServer, probing: bool, token: str
) -> tuple[int, list[Slot]]:
    """How many workers live; and the connections that this one may open. When the database does not say
    whether it took them, they are given back."""
    try:
        with runtime.database.writing() as session:
            workers = max(1, count_alive(session))
            at_most = 1 if probing else -(-server.max_connections // workers)
            return workers, connection_slots.take(session, server, worker.id, token, at_most)
    except DBAPIError:
        worker.persist(lambda session: connection_slots.give_back(session, token, in_doubt_of=server))
        raise


def _server(runtime: Runtime, run_id: int) -> tuple[MailServer | None, bool]:
    """The mail server that this run goes through, if it may be used now; and whether that is a try after
    trouble."""
    with runtime.database.writing() as session:
        run = session.scalar(select(Run).where(Run.id == run_id, Run.status == RunStatus.RUNNING))
        if run is None or held(session) or not claims.anything_due(session, run_id):
            return None, False
        content = session.get_one(DefinitionVersion, run.version_id).content
        server = session.get_one(MailServer, content["sender"]["mail_server_id"])
        probing = server.trouble is not None
        return (server, probing) if backoff.may_try(session, server) else (None, False)


def _ring_for_help(runtime: Runtime, run_id: int, server: MailServer) -> None:
    with runtime.database.reading() as session:
        more = connection_slots.held(session, server.id) < server.max_connections and count_alive(session) > 1
    if more:
        runtime.queue.enqueue_drain(run_id)


def _run_all(lanes: list[Connection], feed: Prefetcher, ledger: GroupCommit, hub: EventLoop) -> None:
    """Runs the lanes and the book behind them by turns in one thread, the feed before them in another, until
    all have ended. However they end, what was claimed and not marked is given back. If something broke that
    nobody could foresee, what was marked and not settled is `unconfirmed`.

    Neither is the thread at hand: signals come to that one, and what their handlers raise must not meet a
    message on its way."""

    def send() -> None:
        try:
            hub.run(*[lane.run for lane in lanes], ledger.flush_periodically)
        finally:
            feed.close()
            ledger.close()

    try:
        with _beside(feed.fill, hub.errors), _beside(send, hub.errors):
            pass
    finally:
        try:
            feed.give_back()
        finally:
            for error in hub.errors[:1]:
                why = f"the worker broke down before the reply was written: {type(error).__name__}: {error}"
                feed.mark_unconfirmed(why)
    for error in hub.errors:
        raise error


@contextmanager
def _beside(work: Callable[[], None], errors: list[BaseException]) -> Iterator[None]:
    """Runs this in a thread while the block lasts, and waits for its end. What it raises is collected."""

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # told by the drain, once every thread is done
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join()
