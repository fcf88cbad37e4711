"""Locks that last until the end of the transaction: PostgreSQL's advisory locks.

SQLite needs none of them: its writers come one after the other."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text

from webapp.store.prepared import CompiledStatement

RUN_LOCKS, VERSION_LOCKS, IMPORT_LOCK, LOGIN_LOCKS, ERASURE_LOCK = 7_203, 7_204, 7_205, 7_206, 7_207
"""The first key of the locks of runs, and of definitions; the second key is the id. All imports share one, so
do all erasures. Of logins the second key is made from a text."""


def lock_run(connection: Connection, run_id: int, *, exclusive: bool) -> None:
    """Locks the run until the end of the transaction.

    Delivery attempts take the lock shared, then read the run's status in a second statement; everything that
    stops a run, finishes it or gives it new work takes it exclusively. So no attempt that read "running" can
    commit after Stop has answered."""
    if connection.dialect.name == "postgresql":
        locking = _EXCLUSIVE if exclusive else _SHARED_BY_DELIVERY
        locking.run(connection, {"space": RUN_LOCKS, "of": run_id})


def lock_definition(connection: Connection, definition_id: int) -> None:
    """Locks the making of versions of this definition until the end of the transaction. A caller that may
    have waited must read again what it makes the version of.

    The definition's row stays unlocked: an import may hold that for long."""
    if connection.dialect.name == "postgresql":
        _EXCLUSIVE.run(connection, {"space": VERSION_LOCKS, "of": definition_id})


def lock_imports(connection: Connection) -> None:
    """Locks the storing of imports until the end of the transaction: two that change the same rows in
    different orders would wait for each other."""
    if connection.dialect.name == "postgresql":
        _EXCLUSIVE.run(connection, {"space": IMPORT_LOCK, "of": 0})


def lock_erasures(connection: Connection, *, exclusive: bool) -> None:
    """Keeps erasures and the generation of results apart until the end of the transaction: an erasure takes
    the lock exclusively, a slice of a run's results takes it shared, and each then reads the customers.

    Without it a slice that has read a customer waits, at the foreign key of its first result, for the erasure
    to end, and then stores the name that it read before."""
    if connection.dialect.name == "postgresql":
        locking = _EXCLUSIVE if exclusive else _SHARED
        locking.run(connection, {"space": ERASURE_LOCK, "of": 0})


def lock_login(connection: Connection, subject: str) -> None:
    """Locks what concerns logins of this subject until the end of the transaction: a count of tries, or a
    person's identity."""
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(subject.encode()).digest()
        _EXCLUSIVE.run(connection, {"space": LOGIN_LOCKS, "of": int.from_bytes(digest[:4], signed=True)})


_EXCLUSIVE = CompiledStatement(text("SELECT pg_advisory_xact_lock(:space, :of)"))
_SHARED = CompiledStatement(text("SELECT pg_advisory_xact_lock_shared(:space, :of)"))
_SHARED_BY_DELIVERY = CompiledStatement(
    text(
        "SELECT pg_advisory_xact_lock_shared(:space, :of), set_config('enable_seqscan', 'off', true), "
        "set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
    )
)
"""Delivery attempts find every row by its id. PostgreSQL keeps a plan for as long as the connection lasts:
one made while the tables were small enough for a sequential scan would still be used when they no longer
are."""
