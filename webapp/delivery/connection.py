"""How one message goes out: make it, offer it, mark it, finish it, settle it. A lane is one connection's
worth of that."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from webapp.delivery.attempts import AttemptEnd, AttemptStart, ClaimLost, RunStopped, StartedAttempt
from webapp.delivery.group_commit import GroupCommit
from webapp.delivery.prefetch import Prefetcher, PreparedInput
from webapp.delivery.settlement import AttemptOutcome, attempt_outcome
from webapp.extensions import Runtime
from webapp.mailing import outcomes
from webapp.mailing.event_loop import EventLoop
from webapp.mailing.rates import Rates
from webapp.mailing.transport import Conversation, Waits
from webapp.mailservers import backoff
from webapp.messages.building import Message, NotBuilt, build
from webapp.store.mailservers import MailServer
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.types import storable
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltMail:
    """A mail that is made."""

    prepared: PreparedInput
    message: Message


@dataclass
class Connection:
    """One connection's worth of a drain. `suspect`: the server was in trouble, and is well once it takes a
    message."""

    runtime: Runtime
    worker: WorkerProcess
    server: MailServer
    prefetcher: Prefetcher
    group_commit: GroupCommit
    rates: Rates
    event_loop: EventLoop
    suspect: bool

    def __post_init__(self) -> None:
        settings = self.runtime.settings
        waits = Waits(settings.smtp_timeout, settings.smtp_data_timeout)
        self.worker_id = self.worker.id
        self.conversation = Conversation(backoff.address_of(self.server, settings), waits, self.event_loop)

    def opens(self) -> bool:
        """Whether there is a connection; if not, the server's trouble is noted."""
        trouble = self.conversation.open()
        if trouble is not None:
            self._note_trouble(trouble.words)
        return trouble is None

    def run(self) -> None:
        """Delivers one message after the other, until the feed has none or the server is in trouble.

        What became of the last message is written before the lane waits or says goodbye, so that never more
        than one message per open connection is in doubt."""
        with self.group_commit.connection(), closing(self.conversation):
            try:
                self._deliver_all()
            finally:
                self.group_commit.flush()

    def _deliver_all(self) -> None:
        ready = self._next(wait=True)
        with self.group_commit.working():
            while ready is not None:
                goes_on, ready = self._deliver(ready)
                if not goes_on:
                    return
                if ready is None:
                    self.group_commit.flush()
                    with self.group_commit.not_participating():
                        ready = self._next(wait=True)

    def _next(self, *, wait: bool) -> BuiltMail | None:
        """The next mail, made. One that cannot be made is `failed`, or `deferred` if the document store is
        away, and costs its own result only."""
        while piece := self.prefetcher.take(wait=wait):
            message = self._make(piece)
            if isinstance(message, Message):
                return BuiltMail(piece, message)
            if message.altered:
                self.prefetcher.hold_back(piece, message.altered)
                continue
            to = ResultStatus.DEFERRED if message.for_now else ResultStatus.FAILED
            self._settle(piece, AttemptOutcome(Outcome.UNMADE, to, detail=storable(message.words)))
        return None

    def _make(self, piece: PreparedInput) -> Message | NotBuilt:
        """Whatever goes wrong in the making costs this message alone: it must not hold up the others."""
        documents, redirect_to = self.runtime.documents, self.runtime.settings.redirect_to

        def made() -> Message | NotBuilt:
            return build(piece.inputs, piece.rendered, documents, redirect_to)

        try:
            return self.event_loop.run_in_thread(made) if documents.is_far or _is_packed(piece) else made()
        except Exception as error:
            log.exception("result %s cannot be made", piece.inputs.result_id)
            return NotBuilt(f"an error in making the mail: {type(error).__name__}: {error}")

    def _deliver(self, ready: BuiltMail) -> tuple[bool, BuiltMail | None]:
        """Delivers one message, or finds out why not. Whether the lane goes on; and the next mail, if it was
        made meanwhile.

        1. Wait for the message's place in the server's rate.
        2. Offer it up to its last byte. What the server refuses is settled; a connection that breaks here did
        not carry it. One that had served an earlier message and was closed in between is opened anew, once.
        3. Store what was packed for it, if anything was. Then mark it: `sending`, with its reservation, is
        committed. A mark that does not hold withdraws the message.
        4. Look at the socket: if the server has spoken or closed, or the mark has taken half a lease, no dot
        goes out, and the mark is taken back.
        5. Send the dot. While the server takes this one in, the next mail is made.
        6. What the server says to the dot is committed with the next round of marks, or within a second.
        """
        if not self._paced():
            return False, None
        offer = self._offer(ready.message)
        if isinstance(offer, outcomes.Offered) and self.conversation.heard_from():
            self.conversation.drop()
            offer = outcomes.Broken("body", "the server broke off before the end of the message")
        if not isinstance(offer, outcomes.Offered):
            return self._not_offered(ready, offer), None
        if not self._stored(ready):
            return True, None
        began = time.monotonic()
        try:
            marked = self.group_commit.start(
                AttemptStart(ready.prepared.inputs, ready.prepared.hand, ready.message)
            )
        except ClaimLost as why:
            self.conversation.drop()
            return not isinstance(why, RunStopped) and self.worker.id == self.worker_id, None
        return self._finish(ready, offer, marked, began)

    def _paced(self) -> bool:
        """Waits until the server's rate has a place for this message; False if it shall not be begun at
        all."""
        pause = self.rates.pause_before(self.server.id, self.server.rate_per_minute)
        if pause:
            self.group_commit.flush()
            with self.group_commit.not_participating():
                while pause and not self.prefetcher.is_over and not self._leaves_within(min(pause, 1.0)):
                    pause = self.rates.pause_before(self.server.id, self.server.rate_per_minute)
        return not (pause or self.worker.stopping.is_set() or self.group_commit.run_has_stopped)

    def _leaves_within(self, seconds: float) -> bool:
        return self.event_loop.wait_until(self.worker.stopping.is_set, seconds)

    def _offer(self, message: Message) -> outcomes.Offer:
        for _ in range(2):
            trouble = self.conversation.open()
            if trouble is not None:
                return trouble
            offer = self.conversation.offer(message.envelope, message.mail.data)
            if not (isinstance(offer, outcomes.Broken) and offer.stale):
                break
        return offer

    def _not_offered(self, ready: BuiltMail, offer: outcomes.Offer) -> bool:
        """Settles a message that did not come to its last byte; whether the lane goes on."""
        if isinstance(offer, outcomes.ServerTrouble):
            self._note_trouble(offer.words)
            return False
        self._note_fine(offer)
        self._settle(ready.prepared, self._verdict(offer))
        return True

    def _stored(self, ready: BuiltMail) -> bool:
        """Whether the document store has what was packed for this mail; if it is away, the message is
        withdrawn, and tried again later."""
        try:
            for content in ready.message.packed:
                self.event_loop.run_in_thread(partial(self.runtime.documents.put, content))
        except OSError as problem:
            self.conversation.drop()
            words = f"what was packed for this mail could not be stored: {problem.strerror}"
            self._settle(ready.prepared, AttemptOutcome(Outcome.UNMADE, ResultStatus.DEFERRED, detail=words))
            return False
        return True

    def _finish(
        self, ready: BuiltMail, offer: outcomes.Offered, marked: StartedAttempt, began: float
    ) -> tuple[bool, BuiltMail | None]:
        making: Callable[[], BuiltMail | None] | None = None
        finish: outcomes.Finish | None
        if self.conversation.heard_from() or time.monotonic() - began > self.runtime.settings.lease / 2:
            self.conversation.drop()
            finish = outcomes.Broken("dot", "given up before the final dot")
        else:
            finish = self.conversation.send_dot()
            if finish is None:
                making = self._making_the_next()
                finish = self.conversation.reply_to_dot()
        self._settle(ready.prepared, self._verdict(finish, offer.refused), marked)
        trouble = str(finish.reply) if isinstance(finish, outcomes.Deferred) and finish.closing else ""
        if trouble:
            self._note_trouble(trouble)
        else:
            self._note_fine(finish)
        following = making() if making else None
        return (False, None) if trouble else (True, following)

    def _making_the_next(self) -> Callable[[], BuiltMail | None]:
        """The next mail is made while the server takes this one in. Where that takes its time a task of its
        own does it: the server's reply must not wait to be read."""
        piece = self.prefetcher.next_piece
        if piece and (self.runtime.documents.is_far or _is_packed(piece)):
            return self.event_loop.spawn(partial(self._next, wait=False))
        following = self._next(wait=False)
        return lambda: following

    def _settle(
        self, piece: PreparedInput, verdict: AttemptOutcome, marked: StartedAttempt | None = None
    ) -> None:
        """With the next round, if it was marked; else at once: nothing may wait for a mark that will not
        come."""
        self.group_commit.settle(AttemptEnd(piece.inputs, piece.hand, verdict, marked))
        if marked is None or verdict.status != ResultStatus.SENT:
            self.group_commit.flush()

    def _verdict(
        self, outcome: outcomes.Offer | outcomes.Finish, refused: outcomes.Refusals | None = None
    ) -> AttemptOutcome:
        return attempt_outcome(outcome, refused or {}, list(self.conversation.transcript))

    def _note_trouble(self, words: str) -> None:
        with self.runtime.database.writing() as session:
            settings, server_id = self.runtime.settings, self.server.id
            backoff.note_trouble(session, settings, server_id, words, probing=self.suspect)

    def _note_fine(self, outcome: object) -> None:
        if self.suspect and not isinstance(outcome, outcomes.Broken | outcomes.Unknown):
            with self.runtime.database.writing() as session:
                backoff.note_fine(session, self.server.id)
            self.suspect = False


def _is_packed(piece: PreparedInput) -> bool:
    """Whether the documents are packed, which takes its time."""
    return piece.inputs.content["zip"] or bool(piece.inputs.content["password_key"])
