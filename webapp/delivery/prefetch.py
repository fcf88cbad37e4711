"""What a drain's lanes have to send: claimed, loaded and rendered ahead of them, in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.delivery import claims
from webapp.delivery.attempts import ClaimRef
from webapp.delivery.claims import Claim
from webapp.delivery.recovery import mark_unconfirmed
from webapp.extensions import Runtime
from webapp.invoices import document_checks, findings
from webapp.lifecycle import runs
from webapp.mailing.event_loop import EventLoop
from webapp.mailing.rates import Rates
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.messages.building import to_render
from webapp.messages.inputs import MessageInput, load_inputs
from webapp.store.invoices import TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.runs import Result
from webapp.store.types import now
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)

CLAIM_BATCH_MAX = 200
"""Results per claim."""
FRESH_SECONDS = 5.0
"""What was looked at anew should go out within about this time: a batch that lasts longer was too large."""
SHARED_SECONDS = 5.0
"""So long a drain goes on when other runs have something to send, too."""
FIRST_SECONDS = 1.0
"""So long its first batch may be taken in any case: or a run whose templates take their time would never get
anywhere."""


@dataclass(frozen=True)
class PreparedInput:
    """A claimed result with the texts of its mail."""

    inputs: MessageInput
    hand: ClaimRef
    rendered: Rendered | Unrenderable


@dataclass
class Prefetcher:
    """The lanes' common source. A thread of its own fills it (`fill`), the lanes, tasks of the hub, take from
    it (`take`).

    It ends when nothing is left to claim, when so many messages were claimed or so many seconds (monotonic)
    have gone, when the worker leaves, or when it is closed: `spent` says whether something may be left."""

    runtime: Runtime
    worker: WorkerProcess
    run_id: int
    server: MailServer
    rates: Rates
    event_loop: EventLoop
    lanes: int
    messages: int
    until: float
    spent: bool = False
    _pieces: deque[PreparedInput] = field(default_factory=deque)
    _claims: list[Claim] = field(default_factory=list)
    _ended: bool = False
    _first_until: float = 0.0
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.worker_id, self.began = self.worker.id, time.monotonic()
        self._size = 2 * self.lanes

    def take(self, *, wait: bool) -> PreparedInput | None:
        """The next one; None if there is none (if told not to wait: none yet), or if its time is up."""
        if wait:
            self.event_loop.wait_until(lambda: self._pieces or self._ended)
        piece = self._pieces.popleft() if self._pieces and not self.is_over else None
        if len(self._pieces) <= self._size // 2:
            with self._news:
                self._news.notify_all()
        return piece

    @property
    def next_piece(self) -> PreparedInput | None:
        """The one that is taken next, if any waits."""
        return self._pieces[0] if self._pieces else None

    @property
    def is_over(self) -> bool:
        """Whether its time is up: nothing more is begun."""
        return time.monotonic() > max(self.until, self._first_until)

    def fill(self) -> None:
        """Claims, loads and renders, always one batch ahead of the lanes, until it ends."""
        try:
            while self._goes_on():
                began = time.monotonic()
                pieces = self._batch()
                if pieces is None:
                    break
                self._first_until = self._first_until or time.monotonic() + FIRST_SECONDS
                self._pieces.extend(pieces)
                self.event_loop.wake()
                self._wait_until_half_is_taken()
                self._adapt(time.monotonic() - began)
        finally:
            self.close()

    def _wait_until_half_is_taken(self) -> None:
        """However long the mail server lets the lanes wait: others may have something to send by then."""
        half = self._size // 2
        while True:
            with self._news:
                if self._news.wait_for(lambda: self._ended or len(self._pieces) <= half, SHARED_SECONDS):
                    return
            with suppress(DBAPIError), self.runtime.database.reading() as session:
                self._share(runs.others_running(session, self.run_id))

    def _share(self, others: bool) -> None:
        """Others have their turn, too."""
        if others:
            self.until = min(self.until, self.began + SHARED_SECONDS)

    def close(self) -> None:
        """Nothing more is taken from it. What was not taken is given back by `give_back`."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        self.event_loop.wake()

    def give_back(self) -> None:
        """Frees what was claimed and has not been marked."""
        self.worker.persist(lambda session: claims.give_back(session, self._claims))

    def mark_unconfirmed(self, words: str) -> None:
        """Declares `unconfirmed` what was marked and will not be settled, because the drain broke."""
        ours = Result.token.in_([claim.token for claim in self._claims])
        mine = Result.worker_id == self.worker_id
        self.worker.persist(lambda session: mark_unconfirmed(session, words, mine, ours))

    def _goes_on(self) -> bool:
        self.spent = self.messages <= 0 or time.monotonic() > self.until
        leaving = self.worker.stopping.is_set() or self.worker.id != self.worker_id
        return not (self.spent or leaving or self._ended)

    def _batch(self) -> list[PreparedInput] | None:
        """The next batch; None if nothing is left to claim. Loading and rendering hold no lock."""
        database = self.runtime.database
        with database.writing() as session:
            claim = claims.claim(session, self.run_id, self.worker_id, min(self._size, self.messages))
            self._claims.append(claim)  # before the commit: whose answer may get lost though it was done
            others = runs.others_running(session, self.run_id)
        self._share(others)
        if not claim.picked:
            return None
        self.messages -= claim.picked
        with database.reading() as session:
            works = load_inputs(session, claim.result_ids)
        if not all(work.is_cleared for work in works):
            works = self._cleared(claim, works)
        works = self._within_domain_rates(claim, works)
        until = time.monotonic() + FRESH_SECONDS
        rendered = self.runtime.renderer.render_all([to_render(work) for work in works], until)
        if over := [work.result_id for work in works[len(rendered) :]]:  # a template that takes its time
            self.worker.persist(lambda session: claims.free(session, over, claim.token))
        hand = ClaimRef(claim.worker_id, claim.token, self.server.id)
        return [PreparedInput(work, hand, texts) for work, texts in zip(works, rendered, strict=False)]

    def _cleared(self, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
        """Those whose documents the guard has cleared, once it has checked what is yet to be checked. The
        others are looked at anew: `skipped` if a document is suspect; left for later if one was just imported
        anew, or if the document store is away."""
        runtime, later, why = self.runtime, now(), ""
        invoices = [invoice_id for work in works if not work.is_cleared for invoice_id in work.copies]
        try:
            ours = TransformationResult.invoice_id.in_(invoices)
            document_checks.check(
                runtime.database, runtime.documents, ours, is_leaving=self.worker.stopping.is_set
            )
        except OSError as problem:
            log.warning("documents cannot be checked: %s", problem)
            later += timedelta(seconds=runtime.settings.retry_first)
            why = f"its documents cannot be checked now: {problem.strerror or problem}"
        with runtime.database.writing() as session:
            still = claims.still_held(session, claim)
            sendable = claims.recheck_claimed(session, self.run_id, still, claim.worker_id)
        with runtime.database.reading() as session:
            works = load_inputs(session, sendable)
        unclear = {work.result_id: later for work in works if not work.is_cleared}
        self.worker.persist(lambda session: claims.postpone(session, claim, unclear, why))
        return [work for work in works if work.is_cleared]

    def hold_back(self, piece: PreparedInput, sha256: str) -> None:
        """Frees a result one of whose documents turned out not to be what was imported. It is noted with the
        document, so that the next claim finds it suspect."""

        def verb(session: Session) -> None:
            for invoice_id in piece.inputs.copies:
                findings.note_altered(session, invoice_id, sha256)
            claims.free(session, [piece.inputs.result_id], piece.hand.token)

        self.worker.persist(verb)

    def _within_domain_rates(self, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
        """Those that may go out now; the others get the time at which their domain has room for them."""
        per_minute = self.server.domain_rate_per_minute
        if not per_minute:
            return works
        due, later, over = [], {}, dict[str, int]()
        for work in works:
            domain = work.recipients[0][0].rpartition("@")[2].lower() if work.recipients else ""
            pause = self.rates.pause_for_domain(self.server.id, domain, per_minute)
            if not pause:
                due.append(work)
                continue
            minutes_behind, over[domain] = divmod(over.get(domain, 0), per_minute)[0], over.get(domain, 0) + 1
            later[work.result_id] = now() + timedelta(seconds=pause + 60 * minutes_behind)
        if later:
            self.worker.persist(lambda session: claims.postpone(session, claim, later))
        return due

    def _adapt(self, seconds: float) -> None:
        """The next batch is larger if this one was gone at once, smaller if it took its time."""
        if seconds < FRESH_SECONDS / 4:
            self._size = min(CLAIM_BATCH_MAX, 2 * self._size)
        elif seconds > FRESH_SECONDS:
            self._size = max(self.lanes, self._size // 2)
