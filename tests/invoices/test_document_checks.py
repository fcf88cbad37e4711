"""The guard: a document that does not name its invoice goes nowhere until a person has looked at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests import factories
from tests.mailserver import MailServer
from tests.pdfs import pdf
from tests.world import World, make_world
from webapp.access import OPERATOR
from webapp.delivery import drain
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.invoices import document_checks
from webapp.invoices.document_checks import Checked
from webapp.lifecycle.results import lock_results, transition
from webapp.new_run.preview import preview
from webapp.results import actions, resend
from webapp.results.bulk import CHANGED_SINCE, BulkOutcome, BulkSelection
from webapp.store.customers import Customer
from webapp.store.definitions import DefinitionVersion, TemplateText
from webapp.store.documents import DocumentFolder
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, Run
from webapp.store.statuses import Finding, ResultStatus, SkipReason
from webapp.store.types import now
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess

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


def test_swapped_files_are_held_and_everything_else_goes_out(world: World, worker: WorkerProcess) -> None:
    swapped(world)
    add(world, "eve@example.com")
    assert check(world) == Checked(3, 2)
    with world.runtime.database.reading() as session:
        assert preview(session, world.choice(), OPERATOR).skipped[SkipReason.SUSPECT_DOCUMENT] == 2
    run_id = world.deliver(worker)
    assert held(world, run_id) == [HELD, HELD, ("sent", "")]
    assert [taken.recipients for taken in world.server.taken] == [("eve@example.com",)]


def test_what_is_not_checked_yet_is_checked_before_the_run_is_made(world: World) -> None:
    swapped(world)
    add(world, "eve@example.com")
    assert held(world, world.run()) == [HELD, HELD, ("ready", "")]
    assert findings(world) == [Finding.NOT_NAMED, Finding.NOT_NAMED, Finding.FINE]


def test_a_run_checks_its_own_documents_only(world: World) -> None:
    add(world, "eve@example.com")
    first, last = factories.OCTOBER
    world.run(period_from=first.replace(month=9, day=1), period_to=last.replace(month=9, day=30))
    assert findings(world) == [Finding.UNCHECKED]


def test_what_was_imported_after_create_is_checked_before_it_goes_out(
    world: World, worker: WorkerProcess
) -> None:
    add(world, "eve@example.com")
    add(world, "ada@example.com")
    run_id = world.run()
    with world.runtime.database.writing() as session:  # as an import that files another's paper does
        first = select(TransformationResult.id).order_by(TransformationResult.id).limit(1)
        strange = world.runtime.documents.put(pdf("Invoice INV-999999", "C99999"))
        session.execute(
            update(TransformationResult)
            .where(TransformationResult.id.in_(first.scalar_subquery()))
            .values(sha256=strange)
        )
    world.start(run_id)
    world.work(worker, run_id)
    assert held(world, run_id) == [HELD, ("sent", "")]
    assert [taken.recipients for taken in world.server.taken] == [("ada@example.com",)]


def test_what_is_removed_while_its_document_is_checked_stays_removed(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, "eve@example.com")
    run_id = world.run()
    with world.runtime.database.writing() as session:
        strange = world.runtime.documents.put(pdf("Invoice INV-999999", "C99999"))
        session.execute(update(TransformationResult).values(sha256=strange))
    checks = document_checks.check

    def is_slow(*of: Any, **options: Any) -> None:
        checks(*of, **options)
        with world.runtime.database.writing() as session:
            actions.remove(session, BulkSelection(run_id), OPERATOR)

    monkeypatch.setattr(document_checks, "check", is_slow)
    world.start(run_id)
    drain.drain(world.runtime, worker, run_id)
    assert world.statuses(run_id) == ["removed"]


def test_a_store_that_is_away_while_documents_are_checked_is_waited_for(
    world: World, worker: WorkerProcess
) -> None:
    add(world, "eve@example.com")
    run_id = world.run()
    with world.runtime.database.writing() as session:
        session.execute(update(TransformationResult).values(found_in=""))
    path = stored(world, 0)
    aside = path.rename(path.with_name("aside"))
    path.mkdir()  # what is read is no file: an OSError, as of a disk or a bucket that is away
    world.start(run_id)
    drain.drain(world.runtime, worker, run_id)
    assert held(world, run_id) == [("ready", "")]
    assert "cannot be checked now" in world.results(run_id)[0].detail
    assert world.server.taken == []
    path.rmdir()
    aside.rename(path)
    world.work(worker, run_id)
    assert held(world, run_id) == [("sent", "")]
    assert world.results(run_id)[0].detail == ""


def test_files_swapped_in_the_store_are_held_however_late(world: World, worker: WorkerProcess) -> None:
    for name in ("ada", "bob", "eve"):
        add(world, f"{name}@example.com")
    run_id = world.run()
    one, other = (stored(world, number) for number in (0, 1))
    aside = one.with_name("aside")
    for source, target in ((one, aside), (other, one), (aside, other)):
        shutil.move(source, target)
    world.start(run_id)
    world.work(worker, run_id)
    assert held(world, run_id) == [HELD, HELD, ("sent", "")]
    assert [taken.recipients for taken in world.server.taken] == [("eve@example.com",)]
    words = "a document is suspect: look at it; let it pass, or import the right one"
    assert let_pass(world, run_id).unchanged == {words: 2}  # what is not what was imported never passes
    assert send_again(world, run_id).changed == 2
    world.work(worker, run_id)
    assert held(world, run_id)[:2] == [HELD, HELD]
    for source, target in ((one, aside), (other, one), (aside, other)):
        shutil.move(source, target)
    send_again(world, run_id)
    world.work(worker, run_id)
    assert sorted(taken.recipients[0] for taken in world.server.taken) == [
        f"{name}@example.com" for name in ("ada", "bob", "eve")
    ]


def test_an_import_mends_what_was_altered_in_the_store(
    world: World, worker: WorkerProcess, tmp_path: Path
) -> None:
    _, of = world.add("ada@example.com")
    path = stored(world, 0)
    content = path.read_bytes()
    path.write_bytes(b"%PDF of somebody else")
    run_id = world.deliver(worker)
    assert held(world, run_id) == [HELD]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{of.number}.pdf").write_bytes(content)
    (tmp_path / "in" / "transformation_results.csv").write_text(
        f"invoice_number,transformation,file\n{of.number},Invoice PDF,{of.number}.pdf\n"
    )
    runtime = world.runtime
    assert not import_folder(runtime.database, runtime.documents, tmp_path / "in").changed_anything
    assert path.read_bytes() == content
    assert check(world) == Checked(1, 0)
    send_again(world, run_id)
    world.work(worker, run_id)
    assert held(world, run_id) == [("sent", "")]


def stored(world: World, number: int) -> Path:
    """The file in the store of this document, counted from 0."""
    documents = world.runtime.documents
    assert isinstance(documents, DocumentFolder)
    with world.runtime.database.reading() as session:
        digests = session.scalars(select(TransformationResult.sha256).order_by(TransformationResult.id))
        return documents._path(digests.all()[number])


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


def test_what_was_imported_after_somebody_looked_does_not_pass(world: World) -> None:
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


def test_what_is_held_after_somebody_looked_does_not_pass(world: World) -> None:
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


def test_the_right_document_frees_its_mail_though_nobody_has_checked_it_yet(
    world: World, worker: WorkerProcess
) -> None:
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
        content = {**old.content, "subject": "Mended"}
        newer = DefinitionVersion(definition_id=old.definition_id, number=old.number + 1, content=content)
        session.add(newer)
        session.flush()
        session.execute(update(Result).values(version_id=newer.id))
    assert let_pass(world, run_id).changed == 2
    assert [result.version_id for result in world.results(run_id)] == [newer.id] * 2


def test_whoever_checks_stops_when_told_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_checks, "CHECKED_AT_ONCE", 1)
    swapped(world)
    assert (
        document_checks.check(
            world.runtime.database, world.runtime.documents, is_leaving=lambda: True
        ).documents
        == 1
    )


def test_send_again_without_a_look_changes_nothing(world: World) -> None:
    swapped(world)
    run_id = world.run()
    assert send_again(world, run_id) == BulkOutcome(
        0, {"a document is suspect: look at it; let it pass, or import the right one": 2}
    )
    assert held(world, run_id) == [HELD, HELD]


def test_a_document_imported_anew_is_checked_anew_though_it_was_let_pass(world: World) -> None:
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


def test_other_reasons_come_first(world: World) -> None:
    _, of = world.add("", documents=False)
    file(world, of, pdf("nothing of that"))
    assert held(world, world.run()) == [("skipped", "no_recipient")]


def test_of_a_collated_mail_only_the_suspect_invoice_is_held(
    runtime: Runtime, server: MailServer, worker: WorkerProcess
) -> None:
    world = make_world(runtime, server, collate=True, subject="Invoices")
    with runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source="<p>{{ invoices|length }}</p>"))
    payer, first = world.add("ada@example.com", documents=False)
    with runtime.database.writing() as session:
        owner = session.get_one(Customer, payer.id)
        others = [factories.invoice(session, owner) for _ in range(2)]
    for of in (first, *others):
        file(world, of, right(of, payer) if of is not others[0] else pdf("somebody else's"))
    run_id = world.deliver(worker)
    assert sorted(held(world, run_id)) == [("sent", ""), HELD]
    [mail] = world.server.taken
    assert mail.data.count(b"Content-Disposition: attachment") == 2


def test_other_kinds_of_documents_are_checked_for_their_bytes_alone(world: World) -> None:
    _, of = world.add("ada@example.com", documents=False)
    with world.runtime.database.writing() as session:
        document = factories.document(session, world.runtime.documents, of, content=b"a,b\n", checked=False)
        document.media_type = "text/csv"
        lost = factories.document(
            session, world.runtime.documents, of, content=b"c,d\n", checked=False, file_name="lost.csv"
        )
        lost.media_type = "text/csv"
    world.runtime.documents.remove(lost.sha256)
    assert check(world) == Checked(2, 1)
    assert findings(world) == [Finding.FINE, Finding.ALTERED]


def test_what_is_imported_anew_while_it_is_checked_is_not_taken_for_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, "ada@example.com")
    other, note = world.runtime.documents.put(pdf("somebody else's")), document_checks._note

    def late(*args: object) -> None:
        with world.runtime.database.writing() as session:
            session.execute(update(TransformationResult).values(sha256=other))
        note(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(document_checks, "_note", late)
    assert check(world) == Checked(2, 1)
    assert findings(world) == [Finding.NOT_NAMED]


def test_more_than_one_commit_holds_are_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_checks, "CHECKED_AT_ONCE", 50)
    count = 70
    same = pdf("the same for all")
    payer, of = world.add("ada@example.com", documents=False)
    with world.runtime.database.writing() as session:
        for number in range(count):
            factories.document(
                session,
                world.runtime.documents,
                of,
                content=same if number % 2 else right(of, payer),
                file_name=f"{number}.pdf",
                checked=False,
            )
    seen: list[int] = []
    found = document_checks.check(world.runtime.database, world.runtime.documents, done=seen.append)
    assert found == Checked(count, count // 2)
    assert seen == [50, 70]


def test_what_is_imported_anew_behind_it_is_checked_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_checks, "CHECKED_AT_ONCE", 1)
    first = add(world, "ada@example.com")
    add(world, "bea@example.com")
    other = world.runtime.documents.put(pdf("somebody else's"))

    def meanwhile(documents: int) -> None:
        if documents == 2:
            with world.runtime.database.writing() as session:
                ours = TransformationResult.invoice_id == first.id
                session.execute(update(TransformationResult).where(ours).values(sha256=other))

    found = document_checks.check(world.runtime.database, world.runtime.documents, done=meanwhile)
    assert found == Checked(3, 1)
    assert findings(world) == [Finding.NOT_NAMED, Finding.FINE]
