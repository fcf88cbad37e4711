"""A person releases suspect documents, or replaces them."""

from __future__ import annotations

from sqlalchemy import func, select, update

from tests.documents.checked import HELD, add, check, file, held, let_pass, right, send_again, swapped
from tests.pdfs import pdf
from tests.world import World
from webapp.access import OPERATOR
from webapp.documents import document_checks
from webapp.documents.document_checks import Checked
from webapp.lifecycle.results import lock_results, transition
from webapp.results import resend
from webapp.results.bulk import CHANGED_SINCE, BulkOutcome, BulkSelection
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.store.types import now
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


def test_what_is_let_pass_goes_out_and_is_remembered(world: World, worker: WorkerProcess) -> None:
    swapped(world)
    run_id = world.deliver(worker)
    [first, _] = world.results(run_id)
    assert let_pass(world, run_id, first.id).changed == 1
    world.work(worker, run_id)
    assert held(world, run_id) == [("sent", ""), HELD]
    with world.runtime.database.reading() as session:
        documents = session.scalars(select(TransformationResult).order_by(TransformationResult.id)).all()
        assert [(each.passed_by, each.suspect) for each in documents] == [("command line", False), ("", True)]
        notes = session.scalars(select(AuditEntry).where(AuditEntry.action == "let documents pass")).all()
    assert [note.subject for note in notes] == [f"run {run_id}"]
    assert f"results {first.id}" in notes[0].detail
    assert let_pass(world, run_id, first.id).unchanged == {"not held for a suspect document": 1}


def test_what_was_imported_after_a_person_looked_does_not_pass(world: World) -> None:
    swapped(world)
    run_id = world.run()
    as_of = now()
    with world.runtime.database.reading() as session:
        first = session.scalars(select(func.min(TransformationResult.id))).one()
    strange = world.runtime.documents.put(pdf("Invoice INV-999999", "C99999"))
    with world.runtime.database.writing() as session:
        imported = update(TransformationResult).where(TransformationResult.id == first)
        session.execute(imported.values(sha256=strange))
        chosen = BulkSelection(run_id, as_of=as_of)
    for _ in range(2):  # before it is checked, and after
        with world.runtime.database.writing() as session:
            resend.release_documents(session, world.runtime.queue, chosen, OPERATOR)
        assert held(world, run_id) == [HELD, ("ready", "")]
        document_checks.check(world.runtime.database, world.runtime.documents)


def test_what_is_held_after_a_person_looked_does_not_pass(world: World) -> None:
    """Though its document was found suspect before, with that of another mail: no one was shown it."""
    swapped(world)
    run_id = world.run()
    shown, later = world.results(run_id)
    as_of = now()
    with world.runtime.database.writing() as session:
        rows = lock_results(session, Result.id == later.id)
        transition(session, run_id, rows, ResultStatus.SKIPPED, reason=SkipReason.SUSPECT_DOCUMENT)
    with world.runtime.database.writing() as session:
        chosen = BulkSelection(run_id, as_of=as_of)
        done = resend.release_documents(session, world.runtime.queue, chosen, OPERATOR)
    assert (done.ids, done.unchanged) == ((shown.id,), {CHANGED_SINCE: 1})
    assert held(world, run_id) == [("ready", ""), HELD]


def test_the_right_document_frees_its_mail_before_it_is_checked(world: World, worker: WorkerProcess) -> None:
    """As when the check after an import was cut short."""
    [payer, of] = world.add("eve@example.com", documents=False)
    file(world, of, pdf("Invoice INV-999999", "C99999"))
    document_checks.check(world.runtime.database, world.runtime.documents)
    run_id = world.run()
    assert held(world, run_id) == [HELD]
    right_one = world.runtime.documents.put(right(of, payer))
    with world.runtime.database.writing() as session:
        session.execute(update(TransformationResult).values(sha256=right_one))
    assert send_again(world, run_id).changed == 1
    world.start(run_id)
    world.work(worker, run_id)
    assert held(world, run_id) == [("sent", "")]


def test_what_passes_keeps_the_version_that_it_was_to_be_sent_with(world: World) -> None:
    swapped(world)
    run_id = world.run()
    with world.runtime.database.writing() as session:
        old = session.get_one(Run, run_id).version
        content = {**old.content, "subject": "Corrected"}
        newer = DefinitionVersion(definition_id=old.definition_id, number=old.number + 1, content=content)
        session.add(newer)
        session.flush()
        session.execute(update(Result).values(version_id=newer.id))
    assert let_pass(world, run_id).changed == 2
    assert [result.version_id for result in world.results(run_id)] == [newer.id] * 2


def test_send_again_without_a_look_changes_nothing(world: World) -> None:
    swapped(world)
    run_id = world.run()
    assert send_again(world, run_id) == BulkOutcome(
        0, {"a document is suspect: let it pass if it is correct, or re-import it": 2}
    )
    assert held(world, run_id) == [HELD, HELD]


def test_a_document_imported_again_is_checked_again_though_it_was_let_pass(world: World) -> None:
    of = add(world, "ada@example.com", lambda of, payer: pdf("nothing of that"))
    run_id = world.run()
    let_pass(world, run_id)
    assert held(world, run_id) == [("ready", "")]
    other = world.runtime.documents.put(pdf("nothing of that either"))
    with world.runtime.database.writing() as session:
        session.execute(
            update(TransformationResult).where(TransformationResult.invoice_id == of.id).values(sha256=other)
        )
    assert check(world) == Checked(1, 1)
    assert held(world, world.run()) == [HELD]
    with world.runtime.database.reading() as session:
        assert session.scalars(select(TransformationResult.passed_by)).one() == ""
