"""Statements that are handed to the driver as they are mean what they mean in SQLAlchemy's own hands."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import Table, bindparam, create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from webapp.store.database import Database
from webapp.store.prepared import BulkInsert, BulkUpdate, CompiledStatement, PendingWrite, execute_all
from webapp.store.types import now
from webapp.store.users import AuditEntry


@pytest.fixture
def writes_to_the_trail() -> bool:
    return True


TABLE = cast(Table, AuditEntry.__table__)
COLUMNS = ("at", "actor", "action", "subject", "detail")
postgresql_only = pytest.mark.parametrize("engine", ["postgresql"])
ADDING = BulkInsert(AuditEntry, COLUMNS)
DETAILING = BulkUpdate(AuditEntry, ("detail",))


def row(actor: str | None) -> dict[str, Any]:
    return {"at": now(), "actor": actor, "action": "look", "subject": "a 50 % sign, a :colon", "detail": ""}


def entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_values_are_converted_as_their_columns_want_it(database: Database) -> None:
    values = {column: bindparam(column, type_=TABLE.c[column].type) for column in COLUMNS}
    adding, rows = CompiledStatement(insert(TABLE).values(values)), [row("Ada"), row("Bea"), row("Cleo")]
    with database.writing() as session:
        adding.run(session.connection(), rows[0])
        adding.run(session.connection(), rows[1:])
    assert [(e.at, e.actor, e.subject) for e in entries(database)] == [
        (row["at"], row["actor"], row["subject"]) for row in rows
    ]


def test_many_rows_at_once_and_what_they_return(database: Database) -> None:
    rows = [row(f"person {n}") for n in range(7)]
    adding = BulkInsert(
        AuditEntry, COLUMNS, lambda inserting: inserting.returning(AuditEntry.id, TABLE.c.actor)
    )
    with database.writing() as session:
        added = adding.run(session.connection(), rows)
        adding.run(session.connection(), rows[:2])
    assert sorted((id, actor) for id, actor in added) == [(e.id, e.actor) for e in entries(database)][:7]
    assert [(e.at, e.actor, e.subject) for e in entries(database)] == [
        (row["at"], row["actor"], row["subject"]) for row in (*rows, *rows[:2])
    ]


def test_an_instant_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises((ValueError, StatementError)), database.writing() as session:
        ADDING.run(session.connection(), [{**row("Ada"), "at": now().replace(tzinfo=None)}])


def test_several_writings_are_all_done(database: Database) -> None:
    with database.writing() as session:
        execute_all(
            session.connection(), [PendingWrite(ADDING, [row("Ada"), row("Bea")]), PendingWrite(ADDING, [])]
        )
    first, second = entries(database)
    with database.writing() as session:
        execute_all(
            session.connection(),
            [
                PendingWrite(DETAILING, [{"by_id": first.id, "detail": "one"}]),
                PendingWrite(ADDING, [row("Cleo")]),
                PendingWrite(DETAILING, [{"by_id": second.id, "detail": "two"}]),
            ],
        )
    assert [(e.actor, e.detail) for e in entries(database)] == [("Ada", "one"), ("Bea", "two"), ("Cleo", "")]


@postgresql_only
def test_postgresql_sees_after_the_statements_that_its_client_is_idle(database: Database) -> None:
    """Or it would not end the session of a process that is frozen there, with the locks it holds (F06)."""
    with database.writing() as session:
        connection = session.connection()
        execute_all(
            connection, [PendingWrite(ADDING, [row("Ada"), row("Bea")]), PendingWrite(ADDING, [row("Cleo")])]
        )
        pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        looking = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
        with create_engine(database.url).connect() as other:
            assert other.scalar(looking, {"pid": pid}) == "idle in transaction"


def test_no_statement_runs_outside_a_transaction(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(RuntimeError, match="transaction"):
        ADDING.run(connection, [row("Ada")])


def test_what_the_database_refuses_is_an_error_of_sqlalchemys_and_keeps_nothing(database: Database) -> None:
    def add() -> None:
        with database.writing() as session:
            execute_all(
                session.connection(), [PendingWrite(ADDING, [row("Ada")]), PendingWrite(ADDING, [row(None)])]
            )

    with pytest.raises(DBAPIError):
        add()
    assert entries(database) == []
    with database.writing() as session:  # and the next one has a connection that works
        execute_all(session.connection(), [PendingWrite(ADDING, [row("Cleo")])])
    assert [e.actor for e in entries(database)] == ["Cleo"]


@postgresql_only
def test_a_lost_connection_is_told_as_one(database: Database) -> None:
    def add() -> None:
        with database.writing() as session:
            connection = session.connection()
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with database.engine.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            execute_all(session.connection(), [PendingWrite(ADDING, [row("Ada")])])

    with pytest.raises(DBAPIError) as caught:
        add()
    assert caught.value.connection_invalidated
    with database.writing() as session:
        execute_all(session.connection(), [PendingWrite(ADDING, [row("Bea")])])
    assert [e.actor for e in entries(database)] == ["Bea"]
