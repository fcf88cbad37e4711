"""No entry of the audit trail can be changed, removed, moved or added without it being found."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, literal, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp import audit, edits, sealing
from webapp.audit_trail import retention, verifying
from webapp.audit_trail.verifying import Anchor
from webapp.store.database import SECRET_KEY, Database
from webapp.store.types import now
from webapp.store.users import AuditEntry, AuditKey, AuditStub

WITHOUT_TRIGGERS = {
    "sqlite": (
        *("DROP TRIGGER audit_entry_unchanging", "DROP TRIGGER audit_entry_detail"),
        "DROP TRIGGER audit_entry_staying",
    ),
    "postgresql": ("DROP TRIGGER audit_entry_unchanging ON audit_entry",),
}


@pytest.fixture
def writes_to_the_trail() -> bool:
    return True


@pytest.fixture
def trail(database: Database) -> Database:
    """Nine entries, made by three transactions."""
    for commit in range(3):
        with database.writing() as session:
            for n in range(3):
                number = 3 * commit + n + 1
                audit.note(session, "marit", "change", f"customer K-{number}", f"name: a → {number}")
    return database


def tamper(database: Database, *statements: str) -> None:
    """What a person with the database's own password could do."""
    with database.writing() as session:
        for statement in (*WITHOUT_TRIGGERS[session.get_bind().dialect.name], *statements):
            session.execute(text(statement))


def test_entries_are_numbered_in_the_order_of_their_commits(trail: Database) -> None:
    verification = verifying.verify(trail)
    assert (verification.first, verification.last, verification.broken) == (1, 9, None)
    with trail.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [entry.subject for entry in entries] == [f"customer K-{n}" for n in range(1, 10)]
    assert len({entry.hash for entry in entries}) == 9


TAMPERED = {
    "one byte of a detail": ("UPDATE audit_entry SET detail = 'name: a → 6' WHERE number = 5", 5),
    "who it was": ("UPDATE audit_entry SET actor = 'Marit' WHERE number = 1", 1),
    "from where": ("UPDATE audit_entry SET origin = '192.0.2.1' WHERE number = 9", 9),
    "removed": ("DELETE FROM audit_entry WHERE number = 4", 4),
    "the first removed": ("DELETE FROM audit_entry WHERE number = 1", 1),
    "the last cut off": ("DELETE FROM audit_entry WHERE number = 9", 9),
    "a detail that is said to be erased": ("UPDATE audit_entry SET erased = hash WHERE number = 3", 3),
    "all of it": ("DELETE FROM audit_entry", 1),
}


@pytest.mark.security("C27")
@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_tampered_with_is_named(trail: Database, how: str) -> None:
    statement, broken = TAMPERED[how]
    tamper(trail, statement)
    verification = verifying.verify(trail)
    assert verification.broken == broken
    assert verification.words.startswith(f"entry {broken} is ")


def test_two_entries_that_changed_places_are_named(trail: Database) -> None:
    swap = "UPDATE audit_entry SET number = {} WHERE number = {}"
    tamper(trail, swap.format(99, 3), swap.format(3, 7), swap.format(7, 99))
    assert verifying.verify(trail).broken == 3


def test_an_entry_that_was_put_in_is_named(trail: Database) -> None:
    tamper(
        trail,
        "INSERT INTO audit_entry (at, actor, action, subject, detail, origin, salt) "
        "SELECT at, actor, action, subject, detail, origin, salt FROM audit_entry WHERE number = 2",
    )
    verification = verifying.verify(trail)
    assert verification.problem == verifying.ADDED
    with trail.writing() as session:
        audit.note(session, "marit", "login", "marit")
    assert verifying.verify(trail).problem == verifying.ADDED  # the next commit does not take it in


def test_a_shorter_chain_with_its_own_end_is_found(trail: Database) -> None:
    tamper(
        trail,
        "DELETE FROM audit_entry WHERE number = 9",
        "UPDATE audit_chain SET last = 8, hash = (SELECT hash FROM audit_entry WHERE number = 8)",
    )
    assert verifying.verify(trail).problem == verifying.END_CHANGED


def test_an_anchor_shows_that_an_older_database_was_put_back(trail: Database) -> None:
    anchor = verifying.verify(trail).anchor
    assert verifying.verify(trail, anchor).broken is None
    with trail.writing() as session:
        audit.note(session, "marit", "login", "marit")
    assert verifying.verify(trail, anchor).broken is None
    assert verifying.verify(trail, Anchor(12, anchor.hash)).broken == 11
    assert verifying.verify(trail, Anchor(9, "0" * 64)).problem == verifying.NOT_ANCHOR


@pytest.mark.security("C27")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'mallory' WHERE number = 2",
        "UPDATE audit_entry SET detail = 'nothing' WHERE number = 2",
        "UPDATE audit_entry SET number = 77 WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 2",
    ],
)
def test_the_database_itself_refuses_to_change_entries(trail: Database, statement: str) -> None:
    with pytest.raises(IntegrityError, match="entries of the audit trail"), trail.writing() as session:
        session.execute(text(statement))
    assert verifying.verify(trail).broken is None


def test_nothing_is_noted_of_what_was_rolled_back(trail: Database) -> None:
    def fail(session: Session) -> None:
        audit.note(session, "marit", "login", "marit")
        raise RuntimeError

    with pytest.raises(RuntimeError), trail.writing() as session:
        fail(session)
    with trail.writing() as session:
        audit.note(session, "marit", "login", "marit")
        session.rollback()
    with trail.writing() as session, suppress(RuntimeError), session.begin_nested():
        fail(session)
    assert verifying.verify(trail).last == 9


def test_a_detail_that_became_secret_is_erased_and_the_chain_stays_whole(trail: Database) -> None:
    with trail.writing() as session:
        edits.note_change(session, "marit", "customer K-5", {"pin": "1234"}, {"pin": "9876"})
    with trail.writing() as session:
        edits.hide_values(session, "customer", ["pin"])
        edits.hide_values(session, "customer", ["pin"])
    verification = verifying.verify(trail)
    assert (verification.last, verification.broken) == (10, None)
    with trail.reading() as session:
        last = session.scalars(select(AuditEntry).where(AuditEntry.number == 10)).one()
        assert (last.detail, last.salt) == (f"pin: {edits.HIDDEN}", "")
    tamper(trail, "UPDATE audit_entry SET erased = hash WHERE number = 10")
    assert verifying.verify(trail).broken == 10


@pytest.mark.security("C27")
def test_fifty_writers_make_one_chain(database: Database) -> None:
    wrong: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for n in range(4):
                with database.writing() as session:
                    audit.note(session, f"writer {writer}", "change", f"customer K-{n}")
        except BaseException as error:  # told below, in the test's own thread
            wrong.append(error)

    threads = [threading.Thread(target=write, args=[n]) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    verification = verifying.verify(database)
    assert (verification.first, verification.last, verification.broken) == (1, 200, None)


def test_many_entries_of_one_statement_are_links_too(trail: Database) -> None:
    with trail.writing() as session:
        audit.note_each(
            session,
            "marit",
            "suspend",
            literal("customer K-") + AuditEntry.detail,
            literal(""),
            AuditEntry.actor == "marit",
        )
    assert verifying.verify(trail).last == 18


def aged(database: Database, days: int, entries: int) -> None:
    """Some more entries, which are so old."""
    with database.writing() as session:
        for n in range(entries):
            audit.add(session, "marit", "change", f"customer A-{n}", "").at = now() - timedelta(days=days)


def released(database: Database, days: float) -> int:
    with database.writing() as session:
        return retention.release(session, days)


def test_old_entries_are_let_go_of_and_a_stub_stands_for_them(database: Database) -> None:
    aged(database, 400, 6)
    aged(database, 10, 2)
    assert released(database, 365) == 6
    verification = verifying.verify(database)
    assert (verification.first, verification.last, verification.released, verification.broken) == (
        7,
        9,
        6,
        None,
    )
    assert released(database, 365) == 0
    with database.reading() as session:
        stub = session.scalars(select(AuditStub)).one()
        told = session.scalars(select(AuditEntry).where(AuditEntry.number == 9)).one()
    assert (stub.entries, stub.released_to) == (6, 6)
    assert told.action == retention.RELEASED
    tamper(database, "UPDATE audit_stub SET released_to = 7", "DELETE FROM audit_entry WHERE number = 7")
    assert verifying.verify(database).problem == verifying.STUB_CHANGED


def test_an_old_entry_after_a_new_one_stays(database: Database) -> None:
    aged(database, 10, 1)
    aged(database, 400, 3)
    assert released(database, 365) == 0


def test_the_last_entry_is_never_let_go_of(database: Database) -> None:
    aged(database, 400, 3)
    assert released(database, 365) == 2
    assert verifying.verify(database).broken is None


def with_key(database: Database, key: str, *former: str) -> Database:
    """The same database, as a process with this secret key and these former ones has it."""
    return Database(database.engine, str(database.url), key, former)


def test_a_new_secret_key_goes_on_with_the_same_chain(trail: Database) -> None:
    former, newest = trail.info[SECRET_KEY], "n" * 48
    sealing.rotate(with_key(trail, newest, str(former)), "marit")
    alone = with_key(trail, newest)
    with alone.writing() as session:
        audit.note(session, "marit", "login", "marit")
    verification = verifying.verify(alone)
    assert (verification.last, verification.broken) == (11, None)
    with trail.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditKey)) == 1


def test_a_process_with_another_key_goes_on_with_a_key_of_its_own(trail: Database) -> None:
    stranger = with_key(trail, "s" * 48)
    with stranger.writing() as session:
        audit.note(session, "mallory", "login", "mallory")
    assert verifying.verify(stranger).words == (
        "entry 1 was written with a key that this machine does not have"
    )
    assert verifying.verify(trail).broken == 10
    with trail.writing() as session:
        audit.note(session, "marit", "login", "marit")
    assert verifying.verify(trail).broken == 10
    assert verifying.verify(with_key(trail, str(trail.info[SECRET_KEY]), "s" * 48)).broken is None
