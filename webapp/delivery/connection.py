"""Delivers messages over one SMTP connection: build, offer, start the attempt, send the dot, settle it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from webapp.delivery.attempts import AttemptEnd, AttemptStart, ClaimLost, RunStopped, StartedAttempt
from webapp.delivery.built_mails import Builder, BuiltMail
from webapp.delivery.group_commit import GroupCommit
from webapp.delivery.prefetch import Prefetcher, PreparedInput
from webapp.delivery.settlement import AttemptOutcome, attempt_outcome
from webapp.delivery.throttle import Throttle
from webapp.extensions import Runtime
from webapp.mailservers import backoff
from webapp.mailservers.reaching import address_of, remember_logins
from webapp.messages.building import Message
from webapp.smtp import outcomes
from webapp.smtp.event_loop import EventLoop
from webapp.smtp.rates import Rates
from webapp.smtp.server_connection import Waits
from webapp.smtp.transport import Conversation
from webapp.store.mailservers import MailServer
from webapp.store.statuses import ResultStatus
from webapp.translation import N_
from webapp.workers import WorkerProcess


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
    throttle: Throttle
    event_loop: EventLoop
    suspect: bool

    def __post_init__(self) -> None:
        settings = self.runtime.settings
        waits = Waits(settings.smtp_timeout, settings.smtp_data_timeout)
        self.worker_id = self.worker.id
        address = address_of(self.server, settings, self.runtime.database)
        self.conversation = Conversation(address, waits, self.event_loop)
        self.builder = Builder(self.runtime, self.prefetcher, self.event_loop, self._settle)
        self._rate = partial(self.rates.pause_before, self.server.id, self.server.rate_per_minute)

    def opens(self) -> bool:
        """Open the connection; if that fails, note the mail server's trouble and return False."""
        trouble = self.conversation.open()
        if trouble is not None:
            self._note_trouble(trouble)
        elif (refused := " ".join(self.conversation.refused_logins)) != self.server.refused_logins:
            self.server.refused_logins = refused
            self.worker.persist(partial(remember_logins, server_id=self.server.id, refused=refused))
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
        ready = self.builder.next(wait=True)
        with self.group_commit.working():
            while ready is not None:
                goes_on, ready = self._deliver(ready)
                if not goes_on:
                    return
                if ready is None:
                    self.group_commit.flush()
                    with self.group_commit.not_participating():
                        ready = self.builder.next(wait=True)

    def _deliver(self, ready: BuiltMail) -> tuple[bool, BuiltMail | None]:
        """Deliver one message, or find out why it cannot be. Returns whether the connection continues, and
        the next mail if it was built meanwhile.

        1. Wait until the mail server's rate has room for the message, and its pace, if it is slowed, a turn.
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
        offered_at = time.time()
        offer = self._offer(ready.message)
        if isinstance(offer, outcomes.Offered) and self.conversation.heard_from():
            self.conversation.drop()
            offer = outcomes.Broken("body", N_("the server broke off before the end of the message"))
        if not isinstance(offer, outcomes.Offered):
            return self._not_offered(ready, offer, offered_at), None
        if unstored := self.builder.store_packed(ready.message):
            self.conversation.drop()
            self._settle(ready.prepared, unstored)
            return True, None
        began = time.monotonic()
        try:
            marked = self.group_commit.start(
                AttemptStart(ready.prepared.inputs, ready.prepared.claim_ref, ready.message)
            )
        except ClaimLost as why:
            self.conversation.drop()
            return not isinstance(why, RunStopped) and self.worker.id == self.worker_id, None
        return self._finish(ready, offer, marked, began, offered_at)

    def _wait_for_rate(self) -> bool:
        """Wait until the mail server's pace has a turn and its rate has room; return False if the message
        must not begin at all."""
        pause = self._waited_for(self.throttle.pause) or self._waited_for(self._rate)
        stops = self.worker.stopping.is_set() or self.group_commit.run_has_stopped
        return not (pause or stops or self.throttle.is_over)

    def _waited_for(self, ask: Callable[[], float]) -> float:
        """Ask for a pause until there is none; return what is left if no message begins any more."""
        pause = ask()
        if pause:
            self.group_commit.flush()
            with self.group_commit.not_participating():
                while pause and not self._is_over_within(min(pause, 1.0)):
                    pause = ask()
        return pause

    def _is_over_within(self, seconds: float, told: Callable[[], object] = lambda: False) -> bool:
        """Wait until `told`, or until no message begins any more; False if neither is in time."""
        over = (told, self.worker.stopping.is_set, lambda: self.prefetcher.is_over or self.throttle.is_over)
        return self.event_loop.wait_until(lambda: any(is_true() for is_true in over), seconds)

    def _offer(self, message: Message) -> outcomes.Offer:
        for _ in range(2):
            trouble = self.conversation.open()
            if trouble is not None:
                return trouble
            offer = self.conversation.offer(message.envelope, message.mail.data)
            if not (isinstance(offer, outcomes.Broken) and offer.stale):
                break
        return offer

    def _not_offered(self, ready: BuiltMail, offer: outcomes.Offer, offered_at: float) -> bool:
        """Settle a message that was not sent up to its last byte; return whether the connection continues."""
        if isinstance(offer, outcomes.ServerTrouble):
            if offer.reply and self.throttle.note_refused_mail(offer.reply, offered_at, self._meanwhile):
                self.prefetcher.free(ready.prepared)
                return True
            self._note_trouble(offer)
            return False
        if isinstance(offer, outcomes.Deferred):
            return self._settle_deferred(ready.prepared, offer, None, offered_at)
        self._note_success(offer)
        self._settle(ready.prepared, self._outcome(offer))
        return True

    def _meanwhile(self, told: Callable[[], object], seconds: float) -> None:
        with self.group_commit.not_participating():
            self._is_over_within(seconds, told)

    def _settle_deferred(
        self,
        prepared: PreparedInput,
        outcome: outcomes.Deferred,
        marked: StartedAttempt | None,
        offered_at: float,
    ) -> bool:
        """Settle a message that was refused for now; return whether the connection continues."""
        self.group_commit.flush()
        end = AttemptEnd(prepared.inputs, prepared.claim_ref, self._outcome(outcome), marked)
        if not self.throttle.settle_refused(end, outcome.reply, offered_at):
            return False
        self._note_success(outcome)
        return True

    def _finish(
        self,
        ready: BuiltMail,
        offer: outcomes.Offered,
        marked: StartedAttempt,
        began: float,
        offered_at: float,
    ) -> tuple[bool, BuiltMail | None]:
        making: Callable[[], BuiltMail | None] | None = None
        finish: outcomes.Finish | None
        if self.conversation.heard_from() or time.monotonic() - began > self.runtime.settings.lease / 2:
            self.conversation.drop()
            finish = outcomes.Broken("dot", N_("given up before the final dot"))
        else:
            finish = self.conversation.send_dot()
            if finish is None:
                making = self.builder.next_meanwhile()
                finish = self.conversation.reply_to_dot()
        goes_on = self._finished(ready.prepared, offer, finish, marked, offered_at)
        following = making() if making else None
        return (True, following) if goes_on else (False, None)

    def _finished(
        self,
        prepared: PreparedInput,
        offer: outcomes.Offered,
        finish: outcomes.Finish,
        marked: StartedAttempt,
        offered_at: float,
    ) -> bool:
        """Settle a message whose attempt had started; return whether the connection continues."""
        if isinstance(finish, outcomes.Deferred) and not finish.closing:
            return self._settle_deferred(prepared, finish, marked, offered_at)
        self._settle(prepared, self._outcome(finish, offer.refused), marked)
        if isinstance(finish, outcomes.Deferred):
            self._note_trouble(outcomes.ServerTrouble(str(finish.reply)))
            return False
        if isinstance(finish, outcomes.ServerTrouble):
            self._note_trouble(finish)
            return False
        self._note_success(finish)
        if isinstance(finish, outcomes.Accepted):
            self.throttle.note_taken(prepared.inputs, offered_at)
        return True

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

    def _note_trouble(self, trouble: outcomes.ServerTrouble) -> None:
        with self.runtime.database.writing() as session:
            settings, server_id = self.runtime.settings, self.server.id
            words, kind = trouble.words, trouble.kind
            backoff.note_trouble(session, settings, server_id, words, kind, probing=self.suspect)

    def _note_success(self, outcome: object) -> None:
        if self.suspect and not isinstance(outcome, outcomes.Broken | outcomes.Unknown):
            with self.runtime.database.writing() as session:
                backoff.note_fine(session, self.server.id)
            self.suspect = False
