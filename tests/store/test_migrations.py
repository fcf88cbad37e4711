"""An installation with runs is brought to the newest schema: its old results are found as new ones are."""

from __future__ import annotations

from unicodedata import normalize

from alembic import command
from sqlalchemy import select, update

from tests import factories
from tests.world import World
from webapp import migrations
from webapp.lifecycle.throughput import sent_by_slot
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.customers import Customer
from webapp.store.invoices import TransformationResult
from webapp.store.mailservers import Sender
from webapp.store.runs import Result
from webapp.workers import WorkerProcess


def test_results_made_before_are_sorted_searched_and_plotted(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "a@x.test", "b@x.test", name="Ärzte & Co")
        factories.document(session, world.runtime.documents, factories.invoice(session, payer, gross="12.34"))
    world.add("")
    run_id = world.deliver(worker)
    before = [
        (result.sort_name, result.amount, sorted(result.search_text.split()))
        for result in world.results(run_id)
    ]
    assert before[0][0] == "arzte & co"
    with world.runtime.database.reading() as session:
        slots = sent_by_slot(session, run_id)
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0001")
    migrations.upgrade(world.runtime.database)
    after = [
        (result.sort_name, result.amount, sorted(result.search_text.split()))
        for result in world.results(run_id)
    ]
    assert after == before
    with world.runtime.database.reading() as session:
        found = sent_by_slot(session, run_id)
    assert [n for _, n in found] == [n for _, n in slots] == [1]
    assert abs(found[0][0] - slots[0][0]) <= 10  # counted by when it was settled, to the slot


def test_c2_what_was_stored_in_another_form_is_composed(world: World) -> None:
    taken = normalize("NFC", "Ö-9")
    for code in (normalize("NFD", "Mü-1"), taken, normalize("NFD", taken)):
        payer, _ = world.add()
        with world.runtime.database.writing() as session:
            named = {"code": code, "name": normalize("NFD", "Bäckerei")}
            session.execute(update(Customer).where(Customer.id == payer.id).values(named))
    world.run()
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0011")
    migrations.upgrade(world.runtime.database)
    with world.runtime.database.reading() as session:
        stored = session.execute(select(Customer.code, Customer.name).order_by(Customer.id)).all()
        sorts = set(session.scalars(select(Result.sort_name)))
    codes = ["Mü-1", taken, normalize("NFD", taken)]  # the last stays: another customer has its code
    assert [tuple(row) for row in stored] == [(code, "Bäckerei") for code in codes]
    assert sorts == {"backerei"}


def test_a5_documents_checked_before_are_checked_again_unless_they_went_out_or_a_person_released_them(
    world: World, worker: WorkerProcess
) -> None:
    world.add("sent@x.test")
    world.deliver(worker)
    world.add("new@x.test")
    world.add("released@x.test")
    world.add("listed@x.test")
    with world.runtime.database.writing() as session:
        _, _, released, listed = session.scalars(
            select(TransformationResult).order_by(TransformationResult.id)
        )
        released.passed_by, listed.media_type = "Marit", "text/csv"
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0011")
    migrations.upgrade(world.runtime.database)
    with world.runtime.database.reading() as session:
        documents = session.scalars(select(TransformationResult).order_by(TransformationResult.id)).all()
        assert [document.found_in == "" for document in documents] == [False, True, False, False]
        assert {document.lock_problem for document in documents} == {""}


def test_mailboxes_keep_their_senders_and_mails_where_their_kinds_change(world: World) -> None:
    database = world.runtime.database
    with database.writing() as session:
        boxes = [Mailbox(name=kind, kind=kind, host="127.0.0.1", folder="/x") for kind in ("imap", "port")]
        session.add_all(boxes)
        session.flush()
        session.execute(update(Sender).values(mailbox_id=boxes[0].id))
        for box in boxes:
            given = {"kind": "other", "state": "counted", "mailbox_id": box.id}
            session.add(ReturnedMail(sha256=box.kind.ljust(64, "0"), **given))
    database.dispose()
    command.downgrade(migrations._config(database), "0040")
    migrations.upgrade(database)
    with database.writing() as session:
        assert session.scalars(select(Mailbox.name)).all() == ["imap"]
        assert set(session.scalars(select(Sender.mailbox_id))) == {boxes[0].id}
        mails = select(ReturnedMail.mailbox_id).order_by(ReturnedMail.id)
        assert session.scalars(mails).all() == [boxes[0].id, None]
        session.add(Mailbox(name="another", kind="port"))
