"""How one message goes out: make it, offer it, mark it, finish it, settle it. A lane is one connection's
worth of that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.extensions import Runtime
from webapp.mailing import outcomes
from webapp.mailing.transport import Conversation, Waits
from webapp.mailservers import slots, waiting
from webapp.runs import claims, marks
from webapp.runs.claims import Claim
from webapp.runs.marks import Hand, NotHeld, RunStopped
from webapp.runs.messages import Message, Unmade, make
from webapp.runs.verdicts import Verdict, verdict_of
from webapp.runs.work import Work, load
from webapp.runs.workers import WorkerLife
from webapp.store.mailservers import MailServer
from webapp.store.statuses import Outcome, ResultStatus

log = logging.getLogger(__name__)

BATCH = 10
"""Results per claim: few enough that what was looked at anew is still fresh when it goes out."""

LEAVING_SECONDS = 20.0
"""When the process is told to end, how long a database that is away may keep it from writing what it
knows."""


@dataclass
class Budget:
    """How much a drain may do, shared by its lanes: so many messages, until this moment of the monotonic
    clock."""

    messages: int
    until: float
    leaving: threading.Event
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Whether one more message may be begun."""
        with self._lock:
            if self.leaving.is_set() or self.messages <= 0 or time.monotonic() > self.until:
                return False
            self.messages -= 1
            return True

    @property
    def spent(self) -> bool:
        return self.leaving.is_set() or self.messages <= 0 or time.monotonic() > self.until


@dataclass
class Lane:
    """One connection's worth of a drain. `suspect`: the server was in trouble, and is well once it takes a
    message."""

    runtime: Runtime
    worker: WorkerLife
    run_id: int
    server: MailServer
    budget: Budget
    suspect: bool

    def __post_init__(self) -> None:
        settings = self.runtime.settings
        waits = Waits(settings.smtp_timeout, settings.smtp_data_timeout)
        self.worker_id = self.worker.id
        self.conversation = Conversation(waiting.address_of(self.server), waits)
        self.last_offer = 0.0

    def opens(self) -> bool:
        """Whether there is a connection; if not, the server's trouble is noted."""
        trouble = self.conversation.open()
        if trouble is not None:
            self._note_trouble(trouble.words)
        return trouble is None

    def run(self) -> None:
        """Claims batches and delivers them, until nothing is left to claim or the drain is over.

        What was claimed and not marked is given back in one statement, however the lane ends.
        """
        try:
            while not self.budget.spent:
                claim, works = self._claim()
                if not claim.result_ids or not self._deliver_all(claim, works):
                    return
        finally:
            self.conversation.close()

    def _deliver_all(self, claim: Claim, works: list[Work]) -> bool:
        try:
            return all(self.budget.take() and self._deliver(work, claim) for work in works)
        finally:
            persist(self.runtime, self.worker, lambda session: claims.give_back(session, claim))

    def _claim(self) -> tuple[Claim, list[Work]]:
        with self.runtime.database.writing() as session:
            claim = claims.claim(session, self.run_id, self.worker_id, BATCH)
            return claim, load(session, claim.result_ids)

    def _deliver(self, work: Work, claim: Claim) -> bool:
        """Delivers one message, or finds out why not. False ends the lane.

        1. Make the mail; one that cannot be made is `failed`, and costs its own result only.
        2. Offer it up to its last byte. What the server refuses is settled; a connection that breaks here did
        not carry it. One that had served an earlier message and was closed in between is opened anew, once.
        3. Mark it: `sending`, with its reservation, is committed. A mark that does not hold withdraws the
        message.
        4. Look at the socket: if the server has spoken or closed, or the mark has taken half a lease, no dot
        goes out, and the mark is taken back.
        5. Send the dot. Commit what the server says to it.
        """
        hand = Hand(self.worker_id, claim.token, self.server.id)
        message = self._make(work)
        if isinstance(message, Unmade):
            self._settle(work, hand, Verdict(Outcome.UNMADE, ResultStatus.FAILED, detail=message.words), None)
            return True
        self._pace()
        offer = self._offer(message)
        if isinstance(offer, outcomes.ServerTrouble):
            self._note_trouble(offer.words)
            return False
        if not isinstance(offer, outcomes.Offered):
            self._note_fine(offer)
            self._settle(work, hand, self._verdict(offer), None)
            return True
        return self._finish(work, hand, message, offer)

    def _make(self, work: Work) -> Message | Unmade:
        """Whatever goes wrong in the making costs this message alone: it must not hold up the others."""
        try:
            return make(work, self.runtime.documents, self.runtime.settings.redirect_to)
        except Exception as error:
            log.exception("result %s cannot be made", work.result_id)
            return Unmade(f"an error in making the mail: {type(error).__name__}: {error}")

    def _offer(self, message: Message) -> outcomes.Offer:
        for _ in range(2):
            trouble = self.conversation.open()
            if trouble is not None:
                return trouble
            offer = self.conversation.offer(message.envelope, message.mail.data)
            if not (isinstance(offer, outcomes.Broken) and offer.stale):
                break
        return offer

    def _finish(self, work: Work, hand: Hand, message: Message, offer: outcomes.Offered) -> bool:
        conversation = self.conversation
        if conversation.heard_from():
            conversation.drop()
            broken = outcomes.Broken("body", "the server broke off before the end of the message")
            self._settle(work, hand, self._verdict(broken), None)
            return True
        began = time.monotonic()
        try:
            attempt_id = self._mark(work, hand, message)
        except NotHeld as why:
            conversation.drop()
            return not isinstance(why, RunStopped) and self.worker.id == self.worker_id
        if conversation.heard_from() or time.monotonic() - began > self.runtime.settings.lease / 2:
            conversation.drop()
            finish: outcomes.Finish = outcomes.Broken("dot", "given up before the final dot")
        else:
            finish = conversation.finish()
        self._settle(work, hand, self._verdict(finish, offer.refused), attempt_id)
        if isinstance(finish, outcomes.Deferred) and finish.closing:
            self._note_trouble(str(finish.reply))
            return False
        self._note_fine(finish)
        return True

    def _mark(self, work: Work, hand: Hand, message: Message) -> int:
        """The attempt's id; raises NotHeld. A mark of which it is not known whether it was committed is taken
        back: the dot has not gone out."""
        try:
            with self.runtime.database.writing() as session:
                return marks.mark(session, work, hand, message)
        except DBAPIError as error:
            self.conversation.drop()
            persist(self.runtime, self.worker, lambda session: marks.take_back(session, work, hand))
            raise NotHeld(str(error)) from error

    def _settle(self, work: Work, hand: Hand, verdict: Verdict, attempt_id: int | None) -> None:
        settings = self.runtime.settings
        persist(
            self.runtime,
            self.worker,
            lambda session: marks.settle(session, settings, work, hand, verdict, attempt_id),
        )

    def _verdict(
        self, outcome: outcomes.Offer | outcomes.Finish, refused: outcomes.Refusals | None = None
    ) -> Verdict:
        return verdict_of(outcome, refused or {}, list(self.conversation.transcript))

    def _pace(self) -> None:
        """Keeps to the server's rate per minute: each open connection takes its share of it."""
        rate = self.server.rate_per_minute
        if rate:
            with self.runtime.database.reading() as session:
                open_now = max(1, slots.held(session, self.server.id))
            pause = self.last_offer + 60 * open_now / rate - time.monotonic()
            self.worker.leaving.wait(max(0.0, pause))
        self.last_offer = time.monotonic()

    def _note_trouble(self, words: str) -> None:
        with self.runtime.database.writing() as session:
            settings, server_id = self.runtime.settings, self.server.id
            waiting.note_trouble(session, settings, server_id, words, probing=self.suspect)

    def _note_fine(self, outcome: object) -> None:
        if self.suspect and not isinstance(outcome, outcomes.Broken | outcomes.Unknown):
            with self.runtime.database.writing() as session:
                waiting.note_fine(session, self.server.id)
            self.suspect = False


def persist(runtime: Runtime, worker: WorkerLife, verb: Callable[[Session], None]) -> None:
    """Writes what must not be lost as soon as the database can be written, however long that takes; only a
    process that is told to end gives up after a while."""
    told: list[float] = []

    def give_up() -> bool:
        if worker.leaving.is_set():
            told.append(time.monotonic())
        return bool(told) and time.monotonic() - told[0] > LEAVING_SECONDS

    runtime.database.persist(verb, give_up=give_up)
