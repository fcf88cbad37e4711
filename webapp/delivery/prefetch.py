"""Claims, loads and renders the mails of a drain in batches, ahead of its connections."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.delivery import claims
from webapp.delivery.approved_mails import as_approved
from webapp.delivery.attempts import ClaimRef
from webapp.delivery.claims import Claim
from webapp.delivery.domain_rates import postponed
from webapp.delivery.throttle import Throttle
from webapp.documents import document_checks, findings
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.lifecycle.unconfirmed import mark_unconfirmed
from webapp.logs import ids
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.messages.building import to_render
from webapp.messages.inputs import MessageInput, load_inputs
from webapp.smtp.event_loop import EventLoop
from webapp.smtp.rates import Rates
from webapp.store.invoices import TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.runs import Result
from webapp.store.types import now
from webapp.translation import N_
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)

CLAIM_BATCH_MAX = 200
"""Results per claim."""
FRESH_SECONDS = 5.0
"""A batch should go out within about this time after its re-check; one that takes longer was too large."""
SHARED_SECONDS = 5.0
"""How long a drain continues when other runs have something to send."""
FIRST_SECONDS = 1.0
"""How long the first batch may be sent in any case; otherwise a run with slow templates would never
progress."""


@dataclass(frozen=True)
class PreparedInput:
    """A claimed result with the rendered texts of its mail."""

    inputs: MessageInput
    claim_ref: ClaimRef
    rendered: Rendered | Unrenderable


@dataclass
class Prefetcher:
    """The common source of a drain's connections. A thread of its own fills it; the connections, tasks of the
    event loop, take from it.

    It ends when nothing is left to claim, when the limit of messages or seconds (monotonic) is reached, when
    the worker is stopping, or when it is closed. `used_up` tells whether the limit ended it, so that
    something may be left."""

    runtime: Runtime
    worker: WorkerProcess
    run_id: int
    server: MailServer
    rates: Rates
    throttle: Throttle
    event_loop: EventLoop
    connections: int
    messages: int
    until: float
    used_up: bool = False
    _prepared: deque[PreparedInput] = field(default_factory=deque)
    _claims: list[Claim] = field(default_factory=list)
    _ended: bool = False
    _first_until: float = 0.0
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.worker_id, self.began = self.worker.id, time.monotonic()
        self._size = 2 * self.connections

    def take(self, *, wait: bool) -> PreparedInput | None:
        """The next prepared mail; None if there is none (without `wait`: none yet), or if the time is up."""
        if wait:
            self.event_loop.wait_until(lambda: self._prepared or self._ended)
        prepared = self._prepared.popleft() if self._prepared and not self.is_over else None
        if len(self._prepared) <= self._size // 2:
            with self._news:
                self._news.notify_all()
        return prepared

    @property
    def next_prepared(self) -> PreparedInput | None:
        """The mail that is taken next, if one is waiting."""
        return self._prepared[0] if self._prepared else None

    @property
    def is_over(self) -> bool:
        """Whether the time is up: no further message begins."""
        return time.monotonic() > max(self.until, self._first_until)

    def fill(self) -> None:
        """Claim, load and render, always one batch ahead of the connections, until it ends."""
        try:
            while self._may_continue():
                began = time.monotonic()
                pieces = self._next_batch()
                if pieces is None:
                    break
                self._first_until = self._first_until or time.monotonic() + FIRST_SECONDS
                self._prepared.extend(pieces)
                self.event_loop.wake()
                self._wait_until_half_is_taken()
                self._adapt_batch_size(time.monotonic() - began)
        finally:
            self.close()

    def _wait_until_half_is_taken(self) -> None:
        """Wait for the connections. While the mail server keeps them waiting, look whether other runs have
        work."""
        half = self._size // 2
        while True:
            with self._news:
                if self._news.wait_for(lambda: self._ended or len(self._prepared) <= half, SHARED_SECONDS):
                    return
            with suppress(DBAPIError), self.runtime.database.reading() as session:
                self._share(runs.others_running(session, self.run_id))

    def _share(self, others: bool) -> None:
        """End early if other runs have something to send."""
        if others:
            self.until = min(self.until, self.began + SHARED_SECONDS)

    def close(self) -> None:
        """End it: nothing more is taken. `release` gives back what was not taken."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        self.event_loop.wake()

    def release(self) -> None:
        """Release what was claimed but not started."""
        self.worker.persist(lambda session: claims.release(session, self._claims))

    def mark_unconfirmed(self, words: str) -> None:
        """Mark as `unconfirmed` what was started and will not be settled, because the drain ended with an
        error."""
        ours = Result.token.in_([claim.token for claim in self._claims])
        mine = Result.worker_id == self.worker_id
        self.worker.persist(lambda session: mark_unconfirmed(session, words, mine, ours))

    def _may_continue(self) -> bool:
        self.used_up = self.messages <= 0 or time.monotonic() > self.until
        leaving = self.worker.stopping.is_set() or self.worker.id != self.worker_id
        return not (self.used_up or leaving or self._ended)

    def _next_batch(self) -> list[PreparedInput] | None:
        """The next batch; None if nothing is left to claim. Loading and rendering hold no lock."""
        database = self.runtime.database
        with database.writing() as session:
            probes = self.server.id if self.throttle.is_probing and not self._claims else 0
            size = min(self._size, self.messages)
            claim = claims.claim(session, self.run_id, self.worker_id, size, probes=probes)
            self._claims.append(claim)  # before the commit, whose answer may get lost although it succeeded
            others = runs.others_running(session, self.run_id)
        self._share(others)
        if not claim.picked:
            return None
        self.messages -= claim.picked
        with database.reading() as session:
            works = load_inputs(session, claim.result_ids)
            self.throttle.load(session)
        if not all(work.is_cleared for work in works):
            works = self._check_documents(claim, works)
        works = as_approved(self.worker, claim, works)
        works = self._within_domain_rates(claim, self._with_passwords(claim, works))
        until = time.monotonic() + FRESH_SECONDS
        rendered = self.runtime.renderer.render_all([to_render(work) for work in works], until)
        if over := [work.result_id for work in works[len(rendered) :]]:  # a slow template
            self.worker.persist(lambda session: claims.free(session, over, claim.token))
        claim_ref = ClaimRef(claim.worker_id, claim.token, self.server.id)
        return [PreparedInput(work, claim_ref, texts) for work, texts in zip(works, rendered, strict=False)]

    def _check_documents(self, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
        """Run the pending document checks; return the inputs whose documents all passed.

        The other results are re-checked: those with a suspect document become `skipped`. Those whose document
        was imported again just now, or cannot be read because the document store is away, are postponed."""
        runtime, later, why = self.runtime, now(), ""
        invoices = [invoice_id for work in works if not work.is_cleared for invoice_id in work.copies]
        try:
            ours = TransformationResult.invoice_id.in_(invoices)
            document_checks.check(
                runtime.database, runtime.documents, ours, is_leaving=self.worker.stopping.is_set
            )
        except OSError as problem:
            log.warning("documents cannot be checked", extra=ids(error=problem))
            later += timedelta(seconds=runtime.settings.retry_first)
            why = N_("its documents cannot be checked now: %(problem)s") % {
                "problem": problem.strerror or problem
            }
        with runtime.database.writing() as session:
            still = claims.still_held(session, claim)
            sendable = claims.recheck_claimed(session, self.run_id, still, claim.worker_id)
        with runtime.database.reading() as session:
            works = load_inputs(session, sendable)
        unclear = {work.result_id: later for work in works if not work.is_cleared}
        self.worker.persist(lambda session: claims.postpone(session, claim, unclear, why))
        return [work for work in works if work.is_cleared]

    def _with_passwords(self, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
        """The inputs whose documents' password can be read, where they need one. The other results wait, and
        say what a person must do: their documents never go out open instead."""
        later = now() + timedelta(seconds=self.runtime.settings.retry_first)
        for why in {work.password.trouble for work in works} - {""}:
            waiting = {work.result_id: later for work in works if work.password.trouble == why}
            self.worker.persist(partial(claims.postpone, claim=claim, until=waiting, why=why))
        return [work for work in works if not work.password.trouble]

    def hold(self, prepared: PreparedInput, sha256: str) -> None:
        """Release a result with a document whose bytes are not those that were imported. The finding is
        stored with the document, so that the next claim skips the result as suspect."""

        def verb(session: Session) -> None:
            for invoice_id in prepared.inputs.copies:
                findings.note_altered(session, invoice_id, sha256)
            claims.free(session, [prepared.inputs.result_id], prepared.claim_ref.token)

        self.worker.persist(verb)

    def free(self, prepared: PreparedInput) -> None:
        """Release a result whose attempt has not started."""
        ids, token = [prepared.inputs.result_id], prepared.claim_ref.token
        self.worker.persist(lambda session: claims.free(session, ids, token))

    def _within_domain_rates(self, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
        """The inputs that may go out now; the others are postponed until their domain has room."""
        later = postponed(works, self.throttle, self.rates, self.server)
        if later:
            self.worker.persist(lambda session: claims.postpone(session, claim, later))
        return [work for work in works if work.result_id not in later]

    def _adapt_batch_size(self, seconds: float) -> None:
        """Double the next batch if this one was sent quickly; halve it if it took long."""
        if seconds < FRESH_SECONDS / 4:
            self._size = min(CLAIM_BATCH_MAX, 2 * self._size)
        elif seconds > FRESH_SECONDS:
            self._size = max(self.connections, self._size // 2)
