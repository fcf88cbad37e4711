"""What the connections of a drain have to do with a mail server that throttles: wait for their turns, and
settle what it refuses for now. mailservers/throttling.py decides."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.delivery.attempts import AttemptEnd, commit_round
from webapp.extensions import Runtime
from webapp.lifecycle.results import RELEASE_CLAIM, lock_results, transition
from webapp.logs import ids
from webapp.mailservers import greylisting, stored_pace, throttling
from webapp.mailservers.refusals import RecentOutcomes, class_of
from webapp.mailservers.throttling import RefusedOffer, Ruling
from webapp.messages.inputs import MessageInput
from webapp.smtp.outcomes import Reply
from webapp.store.customers import CustomerEmail
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)

AWAY_SECONDS = 1.0
"""After which a turn is asked for again if the database does not answer."""
HANDED_OVER_SECONDS = 1.0
"""How long a drain of which no mail is accepted yet waits for one before it notes a trouble."""


@dataclass
class Throttle:
    """The common knowledge of a drain's connections about their mail server.

    `is_probing`: the runs wait for a server that takes nothing, and this drain tries it. `is_slowed`: mails
    wait for the server's turns. `is_over`: the runs wait for the server, and no message begins. `domains`:
    the domains that are slowed."""

    runtime: Runtime
    worker: WorkerProcess
    server_id: int
    run_id: int
    is_probing: bool
    is_slowed: bool = False
    is_over: bool = False
    domains: set[str] = field(default_factory=set)
    seen: RecentOutcomes = field(default_factory=RecentOutcomes)
    _turns: int = 0
    _ask_at: float = 0.0
    _is_trial_over: bool = False

    def load(self, session: Session) -> None:
        """Read whether the server, or a domain, is slowed."""
        rows = stored_pace.slowed(session, self.server_id)
        self.is_slowed = self.is_slowed or "" in rows
        self.domains.update(domain for domain in rows if domain)

    def pause(self) -> float:
        """Take a turn of the server's pace and return 0; or return the seconds after which to ask again. A
        server that is not slowed has a turn for everyone, and this asks no one."""
        if not self.is_slowed:
            return 0.0
        if self._turns:
            self._turns -= 1
            return 0.0
        if (wait := self._ask_at - time.monotonic()) > 0:  # one connection asks for all
            return wait
        taken, offered_at = self.seen.pending, self.seen.offered_at
        try:
            with self.runtime.database.writing() as session:
                turn = stored_pace.take_turn(session, self.server_id, taken=taken, offered_at=offered_at)
        except DBAPIError as error:
            log.warning("cannot take a turn of a mail server", extra=ids(server=self.server_id, error=error))
            return AWAY_SECONDS
        self.seen.pending -= taken
        if turn is None:
            self.is_slowed = False
            return 0.0
        self._turns = max(0, turn.mails - 1)
        self._ask_at = time.monotonic() + turn.wait
        return turn.wait

    def domain_pauses(self, domain: str, mails: int) -> list[float]:
        """Take turns of a slowed domain: for each of this number of mails the seconds after which it may go
        out, 0 for now."""
        with self.runtime.database.writing() as session:
            pauses = stored_pace.take_turns(session, self.server_id, domain, mails)
        if pauses is None:
            self.domains.discard(domain)
        return pauses or [0.0] * mails

    def note_taken(self, inputs: MessageInput, offered_at: float) -> None:
        """Note that the server accepted this message. Costs a statement only if the message had been offered
        before, if its domain is slowed, or right after a trial."""
        domain, is_first = domain_of(inputs), not inputs.attempts
        self.seen.note_taken(domain, is_first=is_first, offered_at=offered_at)
        self._ask_at = 0.0  # the next turn may come sooner for it
        if not is_first:
            self.worker.persist(partial(self._note_accepted_again, inputs.result_id))
        elif self._is_trial_over:
            self._is_trial_over = False
            self.worker.persist(self._end_greylisting)
        if domain in self.domains:
            note = partial(stored_pace.note_accepted, server_id=self.server_id, domain=domain)
            self.worker.persist(partial(note, taken=1, offered_at=offered_at))

    def _note_accepted_again(self, result_id: int, session: Session) -> None:
        if greylisting.note_accepted_again(session, self.server_id, result_id):
            self._is_trial_over = True

    def _end_greylisting(self, session: Session) -> None:
        self._give_back(session, greylisting.note_not_greylisting(session, self.server_id))

    def settle_refused(self, end: AttemptEnd, reply: Reply, offered_at: float) -> bool:
        """Settle a message that was refused for now, in one commit with what follows from it for its server;
        return whether the connection continues."""
        inputs = end.inputs
        domain, is_first = domain_of(inputs), not inputs.attempts
        self.seen.note_refused(domain, class_of(reply), is_first=is_first)
        refused = RefusedOffer(
            server_id=self.server_id,
            run_id=self.run_id,
            result_id=inputs.result_id,
            domain=domain,
            reply=reply,
            is_first=is_first,
            offered_at=offered_at,
            is_probe=self.is_probing,
        )
        ruling = Ruling(end.outcome.status)

        def settle(session: Session) -> None:
            nonlocal ruling
            only_domain = partial(self._is_only_domain, session, inputs, domain)
            settings = self.runtime.settings
            ruling = throttling.judge(session, settings, refused, self.seen, only_domain)
            session.flush()
            ended = replace(end, outcome=replace(end.outcome, status=ruling.status))
            commit_round(session.connection(), settings, self.run_id, [], [ended])
            self._give_back(session, ruling.give_back)
            if ruling.trial is not None:
                result_id, moment = ruling.trial
                earlier = (Result.id == result_id, Result.status == ResultStatus.DEFERRED)
                session.execute(update(Result).where(*earlier).values(next_try_at=moment))

        self.worker.persist(settle)
        self._follow(ruling, domain)
        return not ruling.waits

    def note_refused_mail(
        self, reply: Reply, offered_at: float, meanwhile: Callable[[Callable[[], object], float], None]
    ) -> bool:
        """The server refused MAIL for now, which is never about the message. Returns whether it is slowed
        over it: it accepts mails, in this drain or in another one's, so it throttles. While none is known to
        be accepted, those that other connections hand over at this moment are waited for: `meanwhile` waits
        until something is so, or for some seconds."""
        takes_none = not self.seen.firsts_taken
        if reply.code // 100 != 4 or reply.code == 421 or (self.is_probing and takes_none):
            return False
        if takes_none and not self.is_slowed:
            meanwhile(lambda: self.is_slowed or self.seen.firsts_taken, HANDED_OVER_SECONDS)
        is_slowed = False

        def note(session: Session) -> None:
            nonlocal is_slowed
            is_slowed = throttling.note_refused_by_server(
                session, self.server_id, reply, self.seen, offered_at
            )

        self.worker.persist(note)
        if is_slowed:
            self.seen.pending = 0
            self.is_slowed, self._turns = True, 0
        return is_slowed

    def _follow(self, ruling: Ruling, domain: str) -> None:
        self._turns = 0
        if ruling.is_slowed:
            self.is_slowed, self.seen.pending = True, 0
        if ruling.slows_domain:
            self.domains.add(domain)
        self.is_over = self.is_over or ruling.waits

    def _give_back(self, session: Session, result_ids: Collection[int]) -> None:
        """What was deferred over the server is ready again, unless a worker has claimed it."""
        if not result_ids:
            return
        theirs = (Result.id.in_(result_ids), Result.status == ResultStatus.DEFERRED)
        by_run = select(Result.run_id).where(*theirs).distinct().order_by(Result.run_id)
        for run_id in session.scalars(by_run).all():
            rows = lock_results(session, *theirs, Result.run_id == run_id, Result.worker_id.is_(None))
            values = {**RELEASE_CLAIM, "next_try_at": None, "first_try_at": None, "detail": ""}
            transition(session, run_id, rows, ResultStatus.READY, worker_id=self.worker.id, values=values)

    def _is_only_domain(self, session: Session, inputs: MessageInput, domain: str) -> bool:
        """Whether the run has no mail left to another domain."""
        elsewhere = (
            select(Result.id)
            .join(CustomerEmail, CustomerEmail.customer_id == Result.customer_id)
            .where(
                Result.run_id == self.run_id,
                Result.status == ResultStatus.READY,
                CustomerEmail.recipient_key_id == inputs.content["recipient_key_id"],
                ~func.lower(CustomerEmail.address).endswith(f"@{domain}", autoescape=True),
            )
        )
        return not session.scalar(select(exists(elsewhere)))


def domain_of(inputs: MessageInput) -> str:
    """The domain of the first recipient, in lower case; empty without one."""
    return inputs.recipients[0][0].rpartition("@")[2].lower() if inputs.recipients else ""
