"""Sends what a run has ready, for a while. connection.py delivers the single message."""

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
from webapp.delivery.throttle import Throttle
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.mailservers import backoff, connection_slots, daily_limit, refused_results
from webapp.mailservers.connection_slots import Slot
from webapp.smtp.event_loop import EventLoop
from webapp.smtp.rates import Rates
from webapp.store.definitions import DefinitionVersion
from webapp.store.installation import held
from webapp.store.mailservers import MailServer
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus, TroubleKind
from webapp.translation import N_
from webapp.workers import WorkerProcess, count_alive

BROKE_DOWN = N_("the worker broke down before the reply was written: %(kind)s: %(error)s")


def drain(
    runtime: Runtime, worker: WorkerProcess, run_id: int, *, messages: int = 20_000, seconds: float = 30.0
) -> None:
    """Send what this run has ready, for at most this many messages or seconds. Any number of drains may run
    side by side.

    1. Return if the run is not running, or if its mail server is in trouble and its next try is not due.
    2. Take free connection slots of the mail server, at most this worker's share. If none is free, other
    drains are at work: return. If some stay free, enqueue another drain.
    3. Open the first connection. If the mail server is in trouble, note it for all runs and return: no
    message has failed.
    4. A thread claims, loads and renders ahead (prefetch.py). Each connection takes mails from it and
    delivers one after the other (connection.py). The connections share a second thread and switch where one
    waits (smtp/event_loop.py). Their writes are committed together (group_commit.py).
    5. Give back the slots, and release what was claimed but not started. If nothing is left, finish the run;
    if something is due, enqueue another drain."""
    server, probing = _server(runtime, run_id)
    if server is None:
        return
    token = secrets.token_hex(16)
    try:
        used_up = _send(runtime, worker, run_id, server, probing, token, messages, time.monotonic() + seconds)
    finally:
        worker.persist(lambda session: connection_slots.give_back(session, token))
    with runtime.database.writing() as session:
        finished = runs.finish_if_done(session, run_id)
        due = used_up and not finished and claims.anything_due(session, run_id)
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
    """Do steps 2 to 4, and release the claims; return whether the limit of messages or seconds ended it."""
    workers, taken = _take(runtime, worker, server, probing, token)
    if not taken:
        if probing:  # an earlier drain is about to end: no one has tried the server
            worker.persist(lambda session: backoff.postpone_probe(session, runtime.settings, server.id))
        return False
    rates = Rates(runtime.counters, workers)
    event_loop = EventLoop()
    is_shut = probing and server.trouble_kind == TroubleKind.REFUSALS
    throttle = Throttle(runtime, worker, server.id, run_id, is_shut)
    with runtime.database.reading() as session:
        throttle.load(session)
        recipients = daily_limit.left(session, server)
        messages = messages if recipients is None else min(messages, recipients)
    prefetcher = Prefetcher(
        runtime, worker, run_id, server, rates, throttle, event_loop, len(taken), messages, until
    )
    group_commit = GroupCommit(runtime, worker, run_id, event_loop, len(taken))

    def connection() -> Connection:
        return Connection(
            runtime, worker, server, prefetcher, group_commit, rates, throttle, event_loop, suspect=probing
        )

    first = connection()
    if first.opens():
        _enqueue_another_drain(runtime, run_id, server)
        others = [connection() for _ in taken[1:]]  # they know what the first has found out about the login
        _run_all([first, *others], prefetcher, group_commit, event_loop)
    return prefetcher.used_up


def _take(
    runtime: Runtime, worker: WorkerProcess, server: MailServer, probing: bool, token: str
) -> tuple[int, list[Slot]]:
    """Count the live workers, and take this worker's share of connection slots. If the database does not
    confirm that, give them back."""
    try:
        with runtime.database.writing() as session:
            workers = max(1, count_alive(session))
            at_most = 1 if probing else -(-server.max_connections // workers)
            return workers, connection_slots.take(session, server, worker.id, token, at_most)
    except DBAPIError:
        worker.persist(lambda session: connection_slots.give_back(session, token, in_doubt_of=server))
        raise


def _server(runtime: Runtime, run_id: int) -> tuple[MailServer | None, bool]:
    """The mail server of this run, if it may be used now; and whether this is a probe after trouble."""
    with runtime.database.writing() as session:
        run = session.scalar(select(Run).where(Run.id == run_id, Run.status == RunStatus.RUNNING))
        if run is None or held(session) or not claims.anything_due(session, run_id):
            return None, False
        content = session.get_one(DefinitionVersion, run.version_id).content
        server = session.get_one(MailServer, content["sender"]["mail_server_id"])
        probing = server.trouble is not None
        is_shut = probing and server.trouble_kind == TroubleKind.REFUSALS
        if is_shut and not refused_results.may_probe(session, server.id, run_id):
            return None, False
        if daily_limit.left(session, server) == 0:
            daily_limit.note_used_up(session, server)
            return None, False
        return (server, probing) if backoff.may_try(session, server) else (None, False)


def _enqueue_another_drain(runtime: Runtime, run_id: int, server: MailServer) -> None:
    with runtime.database.reading() as session:
        more = connection_slots.held(session, server.id) < server.max_connections and count_alive(session) > 1
    if more:
        runtime.queue.enqueue_drain(run_id)


def _run_all(
    connections: list[Connection], prefetcher: Prefetcher, group_commit: GroupCommit, event_loop: EventLoop
) -> None:
    """Run the connections and the group commit by turns in one thread, and the prefetcher in another, until
    all have ended.

    However they end, what was claimed but not started is released. After an unexpected error, what was
    started but not settled becomes `unconfirmed`.

    The calling thread does neither: signal handlers run in it, and what they raise must not interrupt a
    message."""

    def send() -> None:
        try:
            event_loop.run(*[connection.run for connection in connections], group_commit.flush_periodically)
        finally:
            prefetcher.close()
            group_commit.close()

    try:
        with _thread_beside(prefetcher.fill, event_loop.errors), _thread_beside(send, event_loop.errors):
            pass
    finally:
        try:
            prefetcher.release()
        finally:
            if event_loop.errors:
                error = event_loop.errors[0]
                why = BROKE_DOWN % {"kind": type(error).__name__, "error": error}
                prefetcher.mark_unconfirmed(why)
    for error in event_loop.errors:
        raise error


@contextmanager
def _thread_beside(work: Callable[[], None], errors: list[BaseException]) -> Iterator[None]:
    """Run `work` in a thread while the block lasts, and wait for it to end. Its exceptions are collected."""

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # the drain raises it once every thread is done
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join()
