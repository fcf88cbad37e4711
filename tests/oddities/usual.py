"""A world with a month that was mailed before."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from tests import factories
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.definitions.versions import content_of
from webapp.oddities import domains
from webapp.oddities.finding import Oddities, find
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import Mails, frozen, planned
from webapp.oddities.rows import OddInvoice, listed
from webapp.selection.invoices import Selection
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, Run
from webapp.store.types import now

MONTHS = [(date(2026, n, 1), date(2026, n, 28)) for n in range(1, 9)]
SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))


def bill(world: World, payer: Customer, gross: str = "121.00", **fields: object) -> Invoice:
    """One more invoice of a customer, with its document."""
    with world.runtime.database.writing() as session:
        made = factories.invoice(session, payer, gross=gross, **fields)  # type: ignore[arg-type]
        factories.document(session, world.runtime.documents, made)
        return made


def mailed(world: World, period: tuple[date, date] = SEPTEMBER, **fields: object) -> int:
    """A run of this period whose ready results all went out, and which has finished; its id."""
    run_id = world.run(period_from=period[0], period_to=period[1], **fields)  # type: ignore[arg-type]
    recipients = [f"someone@{run_id}.test"]
    with world.runtime.database.writing() as session:
        ready = (Result.run_id == run_id, Result.status == "ready")
        session.execute(update(Result).where(*ready).values(status="sent", recipients=recipients))
        session.execute(update(Run).where(Run.id == run_id).values(status="finished", finished_at=now()))
    return run_id


def months(world: World, payer: Customer, *amounts: str, **fields: object) -> None:
    """Invoices of earlier months, over these amounts."""
    for amount, period in zip(amounts, MONTHS, strict=False):
        bill(world, payer, amount, period=period, **fields)


def mails_of(session: Session, world: World, viewer: Viewer = OPERATOR, **fields: object) -> Mails:
    choice: Selection = world.choice(**fields)
    definition = session.get_one(MessageDefinition, choice.definition_id)
    return planned(session, viewer, choice, content_of(session, definition))


def oddities(world: World, viewer: Viewer = OPERATOR, **fields: object) -> Oddities:
    """What differs in a run of October that would be created now."""
    with world.runtime.database.reading() as session:
        return find(session, mails_of(session, world, viewer, **fields))


def numbers(found: Oddities) -> dict[str, int]:
    """How many there are of each kind."""
    return {each.kind.value: each.n for each in found.found}


def rows(world: World, kind: OddityKind, viewer: Viewer = OPERATOR, **fields: object) -> list[OddInvoice]:
    """The list of a kind."""
    with world.runtime.database.reading() as session:
        page, count = listed(session, mails_of(session, world, viewer, **fields), kind, None)
    assert count.n == len(page.rows)
    return page.rows


def of_run(world: World, run_id: int, viewer: Viewer = OPERATOR) -> Oddities:
    """What differs in a run that was created."""
    with world.runtime.database.reading() as session:
        return find(session, frozen(session, viewer, session.get_one(Run, run_id)))


def note_domains(world: World) -> None:
    while domains.note_next(world.runtime.database):
        pass
