"""The guard: a document that does not name its invoice goes nowhere until a person has looked at it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.documents.checked import (
    HELD,
    add,
    check,
    file,
    findings,
    held,
    let_pass,
    right,
    send_again,
    stored,
    swapped,
)
from tests.mailserver import MailServer
from tests.pdfs import pdf
from tests.world import World, make_world
from webapp.access import OPERATOR
from webapp.delivery import drain
from webapp.documents import document_checks
from webapp.documents.document_checks import Checked
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.new_run.preview import preview
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.store.customers import Customer
from webapp.store.definitions import TemplateText
from webapp.store.invoices import TransformationResult
from webapp.store.statuses import Finding, SkipReason
from webapp.workers import WorkerProcess


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
    words = "a document is suspect: let it pass if it is correct, or re-import it"
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


def test_an_import_repairs_what_was_altered_in_the_store(
    world: World, worker: WorkerProcess, tmp_path: Path
) -> None:
    _, of = world.add("ada@example.com")
    path = stored(world, 0)
    content = path.read_bytes()
    path.write_bytes(b"%PDF of another customer")
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


def test_the_check_stops_when_told_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_checks, "CHECKED_AT_ONCE", 1)
    swapped(world)
    assert (
        document_checks.check(
            world.runtime.database, world.runtime.documents, is_leaving=lambda: True
        ).documents
        == 1
    )


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
        file(world, of, right(of, payer) if of is not others[0] else pdf("another customer's"))
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


def test_what_is_imported_again_while_it_is_checked_is_not_taken_for_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, "ada@example.com")
    other, note = world.runtime.documents.put(pdf("another customer's")), document_checks._note

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


def test_what_is_imported_again_behind_it_is_checked_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_checks, "CHECKED_AT_ONCE", 1)
    first = add(world, "ada@example.com")
    add(world, "bea@example.com")
    other = world.runtime.documents.put(pdf("another customer's"))

    def meanwhile(documents: int) -> None:
        if documents == 2:
            with world.runtime.database.writing() as session:
                ours = TransformationResult.invoice_id == first.id
                session.execute(update(TransformationResult).where(ours).values(sha256=other))

    found = document_checks.check(world.runtime.database, world.runtime.documents, done=meanwhile)
    assert found == Checked(3, 1)
    assert findings(world) == [Finding.NOT_NAMED, Finding.FINE]
