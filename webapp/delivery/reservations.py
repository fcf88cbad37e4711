"""Reserves invoices for attempts: UNIQUE (definition, invoice, copy) keeps an invoice from going out
twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete

from webapp.messages.inputs import MessageInput
from webapp.since_mailed import carried
from webapp.store.prepared import BulkInsert
from webapp.store.runs import Reservation
from webapp.store.types import now

_INSERT = BulkInsert(
    Reservation,
    (
        *("definition_id", "invoice_id", "copy", "result_id", "attempt_id", "taken_at"),
        *("currency", "gross_amount", "documents"),
    ),
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
            **said,
        }
        for attempt_id, inputs in attempts.items()
        for (invoice_id, copy), said in zip(sorted(inputs.copies.items()), _said(inputs), strict=True)
    ]
    if not rows:
        return set()
    reserved = Counter(attempt_id for (attempt_id,) in _INSERT.run(connection, rows))
    refused = {id: inputs.result_id for id, inputs in attempts.items() if reserved[id] < len(inputs.copies)}
    release(connection, refused)
    return set(refused)


def _said(inputs: MessageInput) -> list[dict[str, Any]]:
    """What the mail says of each of its invoices, in the order of their ids: to tell later what has changed
    since."""
    documents: dict[int, list[tuple[int, str, str]]] = {id: [] for id in inputs.copies}
    for each in inputs.documents:
        documents[each.invoice_id].append((each.transformation_id, each.sha256, each.file_name))
    return [
        {
            "currency": invoice["currency"],
            "gross_amount": invoice["gross_amount"],
            "documents": carried(documents[invoice["id"]]),
        }
        for invoice in sorted(inputs.invoices, key=lambda invoice: invoice["id"])
    ]


def release(connection: Connection, attempts: Mapping[int, int]) -> None:
    """Delete the reservations of these attempts (attempt id → result id; an index on the latter finds
    them)."""
    if attempts:
        connection.execute(
            delete(Reservation).where(
                Reservation.attempt_id.in_(attempts), Reservation.result_id.in_(attempts.values())
            )
        )
