"""What the tests of document checks share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from tests import factories
from tests.pdfs import pdf
from tests.world import World
from webapp.access import OPERATOR
from webapp.document_store.stores import DocumentFolder
from webapp.documents import document_checks
from webapp.documents.document_checks import Checked
from webapp.results import resend
from webapp.results.bulk import BulkOutcome, BulkSelection
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import SkipReason

Paper = Callable[[Invoice, Customer], bytes]


def right(of: Invoice, payer: Customer) -> bytes:
    return pdf(f"Invoice {of.number}", payer.code)


def add(world: World, address: str, paper: Paper = right) -> Invoice:
    """A customer with one invoice, whose document is unchecked."""
    payer, of = world.add(address, documents=False)
    file(world, of, paper(of, payer))
    return of


def file(world: World, of: Invoice, content: bytes) -> None:
    with world.runtime.database.writing() as session:
        factories.document(session, world.runtime.documents, of, content=content, checked=False)


def swapped(world: World) -> tuple[Invoice, Invoice]:
    """Two customers, each with the other's PDF: what an import folder of mixed-up files leads to."""
    (ada, of_ada), (bob, of_bob) = (
        world.add(f"{name}@example.com", documents=False) for name in ("ada", "bob")
    )
    file(world, of_ada, right(of_bob, bob))
    file(world, of_bob, right(of_ada, ada))
    return of_ada, of_bob


def check(world: World) -> Checked:
    return document_checks.check(world.runtime.database, world.runtime.documents)


def findings(world: World) -> list[str]:
    with world.runtime.database.reading() as session:
        return list(
            session.scalars(select(TransformationResult.finding).order_by(TransformationResult.id)).all()
        )


def held(world: World, run_id: int) -> list[tuple[str, str]]:
    return [(result.status, result.reason) for result in world.results(run_id)]


HELD = ("skipped", "suspect_document")


def let_pass(world: World, run_id: int, *result_ids: int) -> BulkOutcome:
    chosen = BulkSelection(
        run_id, result_ids or None, reason="" if result_ids else SkipReason.SUSPECT_DOCUMENT
    )
    with world.runtime.database.writing() as session:
        return resend.release_documents(session, world.runtime.queue, chosen, OPERATOR)


def send_again(world: World, run_id: int) -> BulkOutcome:
    chosen = BulkSelection(run_id, reason=SkipReason.SUSPECT_DOCUMENT)
    with world.runtime.database.writing() as session:
        return resend.send_again(session, world.runtime.queue, chosen, OPERATOR)


def stored(world: World, number: int) -> Path:
    """The file in the store of this document, counted from 0."""
    documents = world.runtime.documents
    assert isinstance(documents, DocumentFolder)
    with world.runtime.database.reading() as session:
        digests = session.scalars(select(TransformationResult.sha256).order_by(TransformationResult.id))
        return documents._path(digests.all()[number])
