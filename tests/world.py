"""A small installation with a run to make: a definition over a real mail server, and customers by address."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from tests import factories
from tests.mailserver import MailServer
from webapp.access import OPERATOR
from webapp.delivery import drain, recovery
from webapp.delivery.attempts import AttemptStart, ClaimRef, StartedAttempt, commit_round
from webapp.extensions import Runtime
from webapp.lifecycle import counts, runs
from webapp.messages.building import Message, render_and_build
from webapp.messages.inputs import MessageInput
from webapp.new_run import creation, generation
from webapp.selection.invoices import Selection
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, Run
from webapp.store.statuses import RunStatus
from webapp.workers import WorkerProcess


@dataclass
class World:
    """One cluster "all", one definition, and as many customers with one invoice each as are added."""

    runtime: Runtime
    server: MailServer
    everybody: Cluster
    definition: MessageDefinition

    def add(self, *addresses: str, documents: bool = True, **fields: object) -> tuple[Customer, Invoice]:
        """A customer with these addresses, one approved invoice of October 2026 and its document."""
        with self.runtime.database.writing() as session:
            payer = factories.customer(session, self.everybody, *addresses)
            of = factories.invoice(session, payer, **fields)  # type: ignore[arg-type]
            if documents:
                factories.document(session, self.runtime.documents, of)
            return payer, of

    def choice(self, **fields: object) -> Selection:
        first, last = factories.OCTOBER
        return Selection(
            **{
                "definition_id": self.definition.id,
                "cluster_id": self.everybody.id,
                "include_children": True,
                "period_from": first,
                "period_to": last,
                **fields,
            }  # type: ignore[arg-type]
        )

    def run(self, *, bcc: list[str] | None = None, start: bool = False, **fields: object) -> int:
        """Makes a run, whole; returns its id."""
        with self.runtime.database.writing() as session:
            run = creation.create(
                session,
                self.runtime.queue,
                creation.RunRequest(self.choice(**fields), bcc=bcc or (), start=start),
                OPERATOR,
            )
        generation.generate(self.runtime, run.id)
        return run.id

    def start(self, run_id: int) -> str:
        with self.runtime.database.writing() as session:
            return runs.start(session, self.runtime.queue, run_id, OPERATOR)

    def stop(self, run_id: int) -> str:
        with self.runtime.database.writing() as session:
            return runs.stop(session, run_id, OPERATOR)

    def deliver(self, worker: WorkerProcess, *, bcc: list[str] | None = None) -> int:
        """Makes a run, starts it and works until it is over; returns its id."""
        run_id = self.run(bcc=bcc)
        self.start(run_id)
        self.work(worker, run_id)
        return run_id

    def status(self, run_id: int) -> str:
        with self.runtime.database.reading() as session:
            return session.get_one(Run, run_id).status

    def results(self, run_id: int) -> list[Result]:
        with self.runtime.database.reading() as session:
            return list(session.scalars(select(Result).where(Result.run_id == run_id).order_by(Result.id)))

    def statuses(self, run_id: int) -> list[str]:
        """Every result's status; the counts must agree with the rows at any moment (invariant 10)."""
        with self.runtime.database.reading() as session:
            if not self.runtime.database.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            rows = select(Result.status).where(Result.run_id == run_id).order_by(Result.id)
            found = list(session.scalars(rows))
            counted = counts.counts(session, run_id).by_status
        assert {status.value: n for status, n in counted.items() if n} == Counter(found)
        return found

    def attempt_start(self, work: MessageInput, claim_ref: ClaimRef) -> AttemptStart:
        """This claimed result's mail, as if all but its last byte were with the mail server."""
        message = render_and_build(work, self.runtime.renderer, self.runtime.documents, "")
        assert isinstance(message, Message)
        return AttemptStart(work, claim_ref, message)

    def mark(self, work: MessageInput, claim_ref: ClaimRef) -> StartedAttempt:
        """Marks it, alone in its round. Raises NotHeld."""
        with self.runtime.database.writing() as session:
            attempt_start = [self.attempt_start(work, claim_ref)]
            [answer] = commit_round(
                session.connection(), self.runtime.settings, work.run_id, attempt_start, []
            )
        if isinstance(answer, StartedAttempt):
            return answer
        raise answer

    def work(self, worker: WorkerProcess, run_id: int, rounds: int = 60) -> None:
        """Drains and sweeps, as a worker process does, until the run is over."""
        watch = recovery.HeartbeatMonitor()
        for _ in range(rounds):
            drain.drain(self.runtime, worker, run_id)
            worker.heartbeat()
            recovery.sweep(self.runtime, worker, watch)
            if self.status(run_id) != RunStatus.RUNNING:
                return
            worker.stopping.wait(0.25)


def make_world(runtime: Runtime, server: MailServer, **definition: object) -> World:
    with runtime.database.writing() as session:
        everybody = factories.cluster(session, "all")
        over = factories.mail_server(session, port=server.port)
        return World(runtime, server, everybody, factories.definition(session, over, **definition))
