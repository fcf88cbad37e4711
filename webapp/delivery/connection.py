"""Delivers messages over one SMTP connection: build, offer, start the attempt, send the dot, settle it."""

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
from webapp.mailing.addresses import forbidden_copies
from webapp.mailing.event_loop import EventLoop
from webapp.mailing.rates import Rates
from webapp.mailing.smtp_connection import Waits
from webapp.mailing.transport import Conversation
from webapp.mailservers import backoff
from webapp.messages.building import Message, NotBuilt, build
from webapp.store.mailservers import MailServer
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.types import storable
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltMail:
    """A mail that is ready to be offered."""

    prepared: PreparedInput
    message: Message


@dataclass
class Connection:
    """One connection of a drain. `suspect`: the mail server was in trouble; the first message it accepts
    clears it."""

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
        """Open the connection; if that fails, note the mail server's trouble and return False."""
        trouble = self.conversation.open()
        if trouble is not None:
            self._note_trouble(trouble.words)
        return trouble is None

    def run(self) -> None:
        """Deliver message after message, until the prefetcher has none left or the mail server is in trouble.

        The outcome of the last message is committed before the connection waits or closes, so never more than
        one message per open connection is in doubt."""
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
        """Build the next mail. One that cannot be built becomes `failed`, or `deferred` if the document store
        is away; it holds up no other mail."""
        while prepared := self.prefetcher.take(wait=wait):
            message = self._build(prepared)
            if isinstance(message, Message):
                return BuiltMail(prepared, message)
            if message.altered:
                self.prefetcher.hold(prepared, message.altered)
                continue
            to = ResultStatus.DEFERRED if message.for_now else ResultStatus.FAILED
            self._settle(prepared, AttemptOutcome(Outcome.UNMADE, to, detail=storable(message.words)))
        return None

    def _build(self, prepared: PreparedInput) -> Message | NotBuilt:
        """Build this mail. Any error in it is this message's alone and must not hold up the others."""
        documents, settings, inputs = self.runtime.documents, self.runtime.settings, prepared.inputs
        if words := forbidden_copies(inputs.bcc, inputs.content.get("reply_to", ""), settings.bcc_domains):
            return NotBuilt(words)

        def made() -> Message | NotBuilt:
            return build(inputs, prepared.rendered, documents, settings.redirect_to)

        try:
            return self.event_loop.run_in_thread(made) if documents.is_far or _is_packed(prepared) else made()
        except Exception as error:
            log.exception("the mail of result %s cannot be built", prepared.inputs.result_id)
            return NotBuilt(f"an error in building the mail: {type(error).__name__}: {error}")

    def _deliver(self, ready: BuiltMail) -> tuple[bool, BuiltMail | None]:
        """Deliver one message, or find out why it cannot be. Returns whether the connection continues, and
        the next mail if it was built meanwhile.

        1. Wait until the mail server's rate has room for the message.
        2. Offer it up to its last byte. A refusal is settled at once. If the connection breaks here, the
        message did not go out. A connection that served an earlier message and was closed since is opened
        again, once.
        3. Store what was packed for this mail alone, if anything. Then start the attempt: commit `sending`
        with its reservation. If the attempt may not start, withdraw the message.
        4. Check the socket. If the server has spoken or closed, or the commit took half a lease, send no dot,
        and undo the start.
        5. Send the dot. While the server takes the message in, build the next mail.
        6. Settle: the server's reply is committed with the next round of starts, or within a second."""
        if not self._wait_for_rate():
            return False, None
        offer = self._offer(ready.message)
        if isinstance(offer, outcomes.Offered) and self.conversation.heard_from():
            self.conversation.drop()
            offer = outcomes.Broken("body", "the server broke off before the end of the message")
        if not isinstance(offer, outcomes.Offered):
            return self._not_offered(ready, offer), None
        if not self._store_packed(ready):
            return True, None
        began = time.monotonic()
        try:
            marked = self.group_commit.start(
                AttemptStart(ready.prepared.inputs, ready.prepared.claim_ref, ready.message)
            )
        except ClaimLost as why:
            self.conversation.drop()
            return not isinstance(why, RunStopped) and self.worker.id == self.worker_id, None
        return self._finish(ready, offer, marked, began)

    def _wait_for_rate(self) -> bool:
        """Wait until the mail server's rate has room; return False if the message must not begin at all."""
        pause = self.rates.pause_before(self.server.id, self.server.rate_per_minute)
        if pause:
            self.group_commit.flush()
            with self.group_commit.not_participating():
                while pause and not self.prefetcher.is_over and not self._is_stopping_within(min(pause, 1.0)):
                    pause = self.rates.pause_before(self.server.id, self.server.rate_per_minute)
        return not (pause or self.worker.stopping.is_set() or self.group_commit.run_has_stopped)

    def _is_stopping_within(self, seconds: float) -> bool:
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
        """Settle a message that was not sent up to its last byte; return whether the connection continues."""
        if isinstance(offer, outcomes.ServerTrouble):
            self._note_trouble(offer.words)
            return False
        self._note_success(offer)
        self._settle(ready.prepared, self._outcome(offer))
        return True

    def _store_packed(self, ready: BuiltMail) -> bool:
        """Store what was packed for this mail. If the document store is away, withdraw the message, defer it
        and return False."""
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
                making = self._build_next_meanwhile()
                finish = self.conversation.reply_to_dot()
        self._settle(ready.prepared, self._outcome(finish, offer.refused), marked)
        trouble = str(finish.reply) if isinstance(finish, outcomes.Deferred) and finish.closing else ""
        if trouble:
            self._note_trouble(trouble)
        else:
            self._note_success(finish)
        following = making() if making else None
        return (False, None) if trouble else (True, following)

    def _build_next_meanwhile(self) -> Callable[[], BuiltMail | None]:
        """Build the next mail while the server takes the last one in; return a function that waits for it.

        A build that takes long runs in a task of its own, so that the server's reply is read as soon as it
        comes."""
        prepared = self.prefetcher.next_prepared
        if prepared and (self.runtime.documents.is_far or _is_packed(prepared)):
            return self.event_loop.spawn(partial(self._next, wait=False))
        following = self._next(wait=False)
        return lambda: following

    def _settle(
        self, prepared: PreparedInput, outcome: AttemptOutcome, marked: StartedAttempt | None = None
    ) -> None:
        """Settle with the next round if the attempt had started, else at once: nothing may wait for a round
        that will not come."""
        self.group_commit.settle(AttemptEnd(prepared.inputs, prepared.claim_ref, outcome, marked))
        if marked is None or outcome.status != ResultStatus.SENT:
            self.group_commit.flush()

    def _outcome(
        self, outcome: outcomes.Offer | outcomes.Finish, refused: outcomes.Refusals | None = None
    ) -> AttemptOutcome:
        return attempt_outcome(outcome, refused or {}, list(self.conversation.transcript))

    def _note_trouble(self, words: str) -> None:
        with self.runtime.database.writing() as session:
            settings, server_id = self.runtime.settings, self.server.id
            backoff.note_trouble(session, settings, server_id, words, probing=self.suspect)

    def _note_success(self, outcome: object) -> None:
        if self.suspect and not isinstance(outcome, outcomes.Broken | outcomes.Unknown):
            with self.runtime.database.writing() as session:
                backoff.note_fine(session, self.server.id)
            self.suspect = False


def _is_packed(prepared: PreparedInput) -> bool:
    """Whether the documents are zipped or encrypted, which takes long."""
    return prepared.inputs.content["zip"] or bool(prepared.inputs.content["password_key"])
