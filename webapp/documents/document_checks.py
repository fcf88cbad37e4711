"""The document check: no document goes out before it is checked that it belongs to its invoice.

The finding is stored with the document, for the bytes that were checked: from the import on, so that a run
waits only for what is still unchecked. A document that fails the check is `suspect` until a person releases
it (selection/eligibility.py holds back invoices with one)."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, select

from webapp.document_store.stores import DocumentMissing, DocumentStore
from webapp.documents import amounts
from webapp.documents.document_reader import DocumentFinding, Names, Reader, ToRead, is_read
from webapp.documents.findings import NOT_AS_IMPORTED, UNCHECKED, note
from webapp.store.customers import Customer
from webapp.store.database import Database
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import Finding
from webapp.store.types import now

CHECKED_AT_ONCE = 1_000
"""Documents per commit."""
AT_ONCE, BYTES_AT_ONCE = 25, 8 * 2**20
"""Documents that a thread reads as one batch."""


@dataclass(frozen=True)
class Checked:
    """How many documents were checked, and how many of them are suspect."""

    documents: int = 0
    suspect: int = 0


@dataclass(frozen=True)
class Unchecked:
    """A document with what it should say."""

    id: int
    invoice_id: int
    sha256: str
    media_type: str
    names: Names


def check(
    database: Database,
    store: DocumentStore,
    *conditions: ColumnElement[bool],
    done: Callable[[int], None] = lambda documents: None,
    is_leaving: Callable[[], bool] = lambda: False,
) -> Checked:
    """Check the unchecked documents, or those of them that meet the conditions on TransformationResult;
    `done` is told the number checked. Ends early if this process is stopping. Raises OSError when the
    store is away.

    1. Take the next of them, in the order of their invoices; after the last, start once more from the first
    for what came meanwhile. No lock is held.
    2. Compare the store's bytes with the SHA-256, and look whether the documents that are read name their
    invoice, and whether PDFs can be given a password. They are read in child processes, one per core.
    3. Record the findings in one commit, for these bytes only: a document that was imported again meanwhile
    stays unchecked. Repeat from 1 until none is left.

    Two checks at once do no harm. A crash loses only what was not recorded yet."""
    documents = suspect = 0
    if not _anything_unchecked(database):
        return Checked()
    with _readers() as look_at:
        for some in _chunks(database, conditions):
            found = look_at(store, some)
            _note(database, some, found)
            documents += len(some)
            suspect += sum(each.finding != Finding.FINE for each in found)
            done(documents)
            if is_leaving():
                break
    return Checked(documents, suspect)


def _anything_unchecked(database: Database) -> bool:
    """Nearly always nothing is unchecked, and this knows at once, whatever the conditions: asked for the
    first in the order of their index, PostgreSQL does not scan all documents, most of which it expects to
    match."""
    unchecked = select(TransformationResult.id).where(UNCHECKED)
    with database.reading() as session:
        return session.scalar(unchecked.order_by(TransformationResult.invoice_id).limit(1)) is not None


def _chunks(database: Database, conditions: Sequence[ColumnElement[bool]]) -> Iterator[Sequence[Unchecked]]:
    """The unchecked documents, until none is left. Each search starts where the last one ended, in both
    tables: PostgreSQL merges them, and would otherwise scan all invoices from the first every time, and
    dead index entries of the documents recorded."""
    first = 0
    while True:
        if some := _next(database, conditions, first):
            first = some[-1].invoice_id
            yield sorted(some, key=lambda document: document.sha256)  # equal ones are read together
        elif first:
            first = 0
        else:
            return


def _next(database: Database, conditions: Sequence[ColumnElement[bool]], first: int) -> list[Unchecked]:
    columns = (
        *(TransformationResult.id, TransformationResult.invoice_id, TransformationResult.sha256),
        *(TransformationResult.media_type, Invoice.currency, Invoice.gross_amount, Invoice.net_amount),
        *(Invoice.number, Customer.code, Customer.name),
    )
    waiting = (
        select(*columns)
        .join(Invoice, Invoice.id == TransformationResult.invoice_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(UNCHECKED, TransformationResult.invoice_id >= first, Invoice.id >= first, *conditions)
        .order_by(TransformationResult.invoice_id, TransformationResult.id)
        .limit(CHECKED_AT_ONCE)
    )
    with database.reading() as session:
        rows = session.execute(waiting).all()
    return [
        Unchecked(
            id, invoice_id, sha256, media_type, Names(number, code, name, _written(currency, gross, net))
        )
        for id, invoice_id, sha256, media_type, currency, gross, net, number, code, name in rows
    ]


def _written(currency: str, gross: Decimal, net: Decimal) -> tuple[str, ...]:
    """The amounts that a document may name; none for an invoice over nothing."""
    if not gross:
        return ()
    return tuple({amounts.written(each, currency): None for each in (gross, net) if each})


@contextmanager
def _readers() -> Iterator[Callable[[DocumentStore, Sequence[Unchecked]], list[DocumentFinding]]]:
    """Read documents in parallel: a thread and a child process per core."""
    free = [Reader() for _ in range(os.cpu_count() or 1)]
    pool = ThreadPoolExecutor(len(free))

    def look_at(store: DocumentStore, documents: Sequence[Unchecked]) -> list[DocumentFinding]:
        def some(start: int) -> list[DocumentFinding]:
            reader = free.pop()
            try:
                return _look(store, reader, documents[start : start + AT_ONCE])
            finally:
                free.append(reader)

        return [found for part in pool.map(some, range(0, len(documents), AT_ONCE)) for found in part]

    try:
        yield look_at
    finally:
        pool.shutdown(cancel_futures=True)
        for reader in free:
            reader.close()


def _look(store: DocumentStore, reader: Reader, documents: Sequence[Unchecked]) -> list[DocumentFinding]:
    """The finding in each document. Bytes that several of them share are read once."""
    same: dict[tuple[str, str], list[Unchecked]] = defaultdict(list)
    for document in documents:
        same[document.sha256, document.media_type].append(document)
    found: dict[int, DocumentFinding] = {}
    in_hand: list[tuple[list[Unchecked], ToRead]] = []

    def read() -> None:
        answers = reader.read_all([to_read for _, to_read in in_hand])
        for (those, _), answer in zip(in_hand, answers, strict=True):
            found.update(zip((each.id for each in those), answer, strict=True))
        in_hand.clear()

    for (sha256, media_type), those in same.items():
        try:
            content = store.get(sha256)
        except DocumentMissing:
            found.update((each.id, DocumentFinding(Finding.ALTERED, NOT_AS_IMPORTED)) for each in those)
            continue
        if not is_read(media_type, content):
            found.update((each.id, DocumentFinding(Finding.FINE)) for each in those)
            continue
        in_hand.append((those, ToRead(media_type, content, tuple(each.names for each in those))))
        if sum(len(to_read.content) for _, to_read in in_hand) > BYTES_AT_ONCE:
            read()
    read()
    return [found[document.id] for document in documents]


INVOICED = select(Invoice.gross_amount).where(Invoice.id == TransformationResult.invoice_id).scalar_subquery()


def _note(database: Database, documents: Sequence[Unchecked], found: Sequence[DocumentFinding]) -> None:
    """Few statements for very many documents: nearly all of them are fine."""
    alike: dict[DocumentFinding, list[int]] = defaultdict(list)
    stored = select(TransformationResult.id, TransformationResult.sha256).where(
        TransformationResult.id.in_([document.id for document in documents])
    )
    with database.writing() as session:
        today = {id: sha256 for id, sha256 in session.execute(stored.with_for_update())}
        for document, what in zip(documents, found, strict=True):
            if today.get(document.id) == document.sha256:
                alike[what].append(document.id)
        for what, ids in alike.items():
            note(
                session,
                TransformationResult.id.in_(ids),
                found_in=TransformationResult.sha256,
                finding=what.finding,
                finding_words=what.words,
                suspect=what.finding != Finding.FINE,
                lock_problem=what.lock_problem,
                unnamed_amount=INVOICED if what.names_amount is False else None,
                checked_at=now(),
                passed_by="",
                passed_at=None,
            )
