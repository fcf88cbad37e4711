"""What the tests of started attempts share."""

from __future__ import annotations

from sqlalchemy import func, select

from tests.world import World
from webapp.delivery import attempts, claims, recovery
from webapp.delivery.attempts import AttemptEnd, ClaimRef, StartedAttempt
from webapp.delivery.claims import Claim
from webapp.delivery.settlement import AttemptOutcome
from webapp.lifecycle import runs
from webapp.messages.inputs import MessageInput, load_inputs
from webapp.store.mailservers import MailServer
from webapp.store.runs import Reservation
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.workers import Worker
from webapp.workers import WorkerProcess

ACCEPTED = AttemptOutcome(Outcome.ACCEPTED, ResultStatus.SENT, "dot", 250, "250 ok")


REFUSED = AttemptOutcome(Outcome.REFUSED, ResultStatus.FAILED, "dot", 554, "554 no", "554 no")


NOT_GONE = AttemptOutcome(Outcome.BROKEN, ResultStatus.READY, "dot", detail="given up before the final dot")


def claimed(world: World, worker: WorkerProcess, run_id: int) -> tuple[Claim, list[MessageInput]]:
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        return claim, load_inputs(session, claim.result_ids)


def marked(
    world: World, worker: WorkerProcess, *, add: bool = True
) -> tuple[int, MessageInput, ClaimRef, StartedAttempt]:
    """A run of one result that is on the wire."""
    if add:
        world.add()
    run_id = world.run()
    world.start(run_id)
    claim, [work] = claimed(world, worker, run_id)
    with world.runtime.database.reading() as session:
        server_id = session.scalars(select(MailServer.id)).one()
    claim_ref = ClaimRef(worker.id, claim.token, server_id)
    return run_id, work, claim_ref, world.mark(work, claim_ref)


def settle(
    world: World, work: MessageInput, claim_ref: ClaimRef, outcome: AttemptOutcome, mark: StartedAttempt
) -> None:
    settled = AttemptEnd(work, claim_ref, outcome, mark)
    with world.runtime.database.writing() as session:
        attempts.commit_round(session.connection(), world.runtime.settings, work.run_id, [], [settled])


def lose(world: World, worker: WorkerProcess) -> bool:
    with world.runtime.database.writing() as session:
        return recovery.declare_lost(session, session.get_one(Worker, worker.id))


def reservations(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Reservation)) or 0


def finish(world: World, run_id: int) -> bool:
    with world.runtime.database.writing() as session:
        return runs.finish_if_done(session, run_id)
