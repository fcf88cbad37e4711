"""Reserves invoices for attempts: UNIQUE (definition, invoice, copy) keeps an invoice from going out
twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, delete

from webapp.messages.inputs import MessageInput
from webapp.store.prepared import BulkInsert
from webapp.store.runs import Reservation
from webapp.store.types import now

_INSERT = BulkInsert(
    Reservation,
    ("definition_id", "invoice_id", "copy", "result_id", "attempt_id", "taken_at"),
    lambda insert: insert.on_conflict_do_nothing().returning(Reservation.attempt_id),
)


def reserve(connection: Connection, attempts: Mapping[int, MessageInput]) -> set[int]:
    """Reserve every invoice of each attempt (attempt id → its mail's inputs).

    Returns the ids of the attempts that did not get all of their invoices, because another result has one.
    These keep no reservation at all."""
    rows = [
        {
            "definition_id": inputs.definition_id,
            "invoice_id": invoice_id,
            "copy": copy,
            "result_id": inputs.result_id,
            "attempt_id": attempt_id,
            "taken_at": now(),
        }
        for attempt_id, inputs in attempts.items()
        for invoice_id, copy in sorted(inputs.copies.items())
    ]
    if not rows:
        return set()
    reserved = Counter(attempt_id for (attempt_id,) in _INSERT.run(connection, rows))
    refused = {id: inputs.result_id for id, inputs in attempts.items() if reserved[id] < len(inputs.copies)}
    release(connection, refused)
    return set(refused)


def release(connection: Connection, attempts: Mapping[int, int]) -> None:
    """Delete the reservations of these attempts (attempt id → result id; an index on the latter finds
    them)."""
    if attempts:
        connection.execute(
            delete(Reservation).where(
                Reservation.attempt_id.in_(attempts), Reservation.result_id.in_(attempts.values())
            )
        )
