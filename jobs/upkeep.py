"""The upkeep of a worker process: its heartbeat, and the sweep that finds due, stranded and forgotten
work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from webapp import sealing
from webapp.audit_trail import upkeep as audit_upkeep
from webapp.bounces import reading
from webapp.delivery import drain, recovery
from webapp.evidence import retention
from webapp.extensions import Runtime
from webapp.intake import upkeep as upkeep_of_sets
from webapp.intake import work as set_work
from webapp.logs import ids
from webapp.new_run import generation
from webapp.notices import upkeep as notices_upkeep
from webapp.oddities import domains
from webapp.plans import making
from webapp.privacy import erased_documents
from webapp.privacy import upkeep as privacy_upkeep
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


def send_heartbeats(runtime: Runtime, worker: WorkerProcess) -> None:
    """Send heartbeats until the process ends. Waits for a database that is away."""
    while not worker.stopping.wait(runtime.settings.beat_every):
        try:
            if not worker.heartbeat():
                log.warning("declared lost by others; registered again", extra=ids(worker=worker.id))
        except DBAPIError as error:
            log.warning("cannot send a heartbeat", extra=ids(error=error))


def sweep_regularly(runtime: Runtime, worker: WorkerProcess) -> None:
    """Sweep until the process ends. Enqueue the work that is due; do it in this process if it cannot be
    enqueued, or if no worker takes the job."""
    monitor, waiting_jobs = recovery.HeartbeatMonitor(), WaitingJobs()
    while not worker.stopping.wait(runtime.settings.sweep_every):
        try:
            due = recovery.sweep(runtime, worker, monitor)
            for run_id in due.to_make:
                if not waiting_jobs.will_be_taken_soon(runtime.queue.enqueue_generation(run_id)):
                    make_beside(runtime, worker, run_id)
            for run_id in due.to_drain:
                if not waiting_jobs.will_be_taken_soon(runtime.queue.enqueue_drain(run_id)):
                    _in_thread(f"drain {run_id}", drain.drain, runtime, worker, run_id)
            if (set_id := upkeep_of_sets.due(runtime)) and not waiting_jobs.will_be_taken_soon(
                runtime.queue.enqueue_import(set_id)
            ):
                import_beside(runtime, worker, set_id)
            waiting_jobs.end_round()
            if making.has_work(runtime):
                _in_thread("plans", _plans, runtime, worker)
            if notices_upkeep.has_work(runtime):
                _in_thread("notices", _notices, runtime, worker)
            if reading.due(runtime):
                _in_thread("mailboxes", _mailboxes, runtime, worker)
            if sealing.is_due(runtime.database):
                _in_thread("seal", _seal, runtime, worker)
            if retention.is_due(runtime):
                _in_thread("tidy", _tidy, runtime, worker)
            if privacy_upkeep.is_due(runtime):
                _in_thread("clear", _clear, runtime, worker)
            if erased_documents.is_any(runtime.database):
                _in_thread("erase", _erase, runtime, worker)
            upkeep_of_sets.delete_old(runtime)
            domains.note_next(runtime.database)
            if audit_upkeep.is_due(runtime):
                _in_thread("audit", _audit, runtime, worker)
        except DBAPIError as error:
            log.warning("cannot sweep", extra=ids(error=error))


JOB_WAIT_MAX_SECONDS = 15.0
"""How long a job may wait: three turns of a drain that shares with others (delivery/prefetch.py)."""


@dataclass
class WaitingJobs:
    """The jobs that a sweep has found waiting, and since when (monotonic seconds). They wait long while every
    worker is busy with a mail server that keeps it waiting; runs of other mail servers must not wait with
    them."""

    _since: dict[str, float] = field(default_factory=dict)
    _this_round: set[str] = field(default_factory=set)

    def will_be_taken_soon(self, job_id: str) -> bool:
        """Whether a worker can be expected to take this job soon; never for an empty id, which means that
        there is no job."""
        present = time.monotonic()
        self._this_round.add(job_id)
        return bool(job_id) and present - self._since.setdefault(job_id, present) < JOB_WAIT_MAX_SECONDS

    def end_round(self) -> None:
        """Forget the jobs that no longer wait."""
        self._since = {job_id: at for job_id, at in self._since.items() if job_id in self._this_round}
        self._this_round.clear()


def _tidy(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        retention.tidy(runtime, worker.stopping)
    except (DBAPIError, OSError) as error:
        log.warning("cannot delete mails past their time; will try again tomorrow", extra=ids(error=error))


def _clear(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        privacy_upkeep.clear(runtime, worker.stopping)
    except (DBAPIError, OSError) as error:
        log.warning("cannot clear personal data; will try again tomorrow", extra=ids(error=error))


def _erase(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        erased_documents.delete_erased(runtime.database, runtime.documents, worker.stopping)
    except (DBAPIError, OSError) as error:
        log.warning("cannot delete documents of the erased; will try again soon", extra=ids(error=error))


def _plans(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        making.work_off(runtime)
    except DBAPIError as error:
        log.warning("cannot make the runs of plans; will try again soon", extra=ids(error=error.orig))


def _notices(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        notices_upkeep.work_off(runtime, worker.stopping)
    except DBAPIError as error:
        log.warning("cannot mail notices; will try again soon", extra=ids(error=error))


def _mailboxes(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        reading.read_due(runtime, worker.stopping)
    except DBAPIError as error:
        log.warning("cannot read the mailboxes; will try again soon", extra=ids(error=error.orig))


def _audit(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        audit_upkeep.verify_and_release(runtime)
    except DBAPIError as error:
        log.warning("cannot verify the audit trail; will try again soon", extra=ids(error=error))


def _seal(runtime: Runtime, worker: WorkerProcess) -> None:
    try:
        sealing.seal_plain(runtime.database, worker.stopping.is_set)
    except DBAPIError as error:
        log.warning("cannot encrypt passwords; will try again soon", extra=ids(error=error))


def make_beside(runtime: Runtime, worker: WorkerProcess, run_id: int) -> None:
    """Generate a run's results in a thread of its own, until done or until this worker stops."""
    _in_thread(f"make {run_id}", _make, runtime, worker, run_id)


def _make(runtime: Runtime, worker: WorkerProcess, run_id: int) -> None:
    try:
        generation.generate(runtime, run_id, worker.stopping.is_set, gives_way=True)
    except DBAPIError as error:
        log.warning("a run cannot be generated; will try again soon", extra=ids(run=run_id, error=error))
    except OSError as error:
        log.warning("a run cannot be generated; will try again soon", extra=ids(run=run_id, error=error))


def import_beside(runtime: Runtime, worker: WorkerProcess, set_id: int) -> None:
    """Check or apply an upload in a thread of its own."""
    _in_thread(f"import {set_id}", _import, runtime, worker, set_id)


def _import(runtime: Runtime, worker: WorkerProcess, set_id: int) -> None:
    try:
        set_work.work(runtime, worker, set_id)
    except DBAPIError as error:
        log.warning("an import waits for the database", extra=ids(set=set_id, error=error))


def _in_thread(name: str, verb: Callable[..., None], *args: object) -> None:
    """Run `verb` in a thread, so that the caller continues; at most one thread per name."""
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=verb, args=args, name=name).start()
