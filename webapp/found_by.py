"""What customers and invoices are found by and sorted by. Everything that adds a customer or an invoice, or
changes a customer or an address, calls this in the same commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    TableClause,
    cast,
    delete,
    distinct,
    exists,
    func,
    insert,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.orm import Session, aliased

from webapp import keyset
from webapp.customer_search import customers_with
from webapp.sealed import PREFIX, secret_names_query
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.dialects import id_in, read_before
from webapp.store.invoices import Invoice
from webapp.store.runs import Result
from webapp.store.text_search import (
    CUSTOMER_SEARCH,
    INVOICE_SEARCH,
    TRIGRAM,
    found_in,
    may_hold,
    search_words,
    searchable,
)


def index_customers(session: Session, ids: Select[int]) -> None:
    """Write again what these customers are found by, the place of their names among others, and under which
    keys they have an address."""
    session.flush()
    session.execute(
        update(Customer)
        .where(Customer.id.in_(ids))
        .values(sort_name=searchable(Customer.name), address_keys=_address_keys()),
        execution_options={"synchronize_session": False},
    )
    found_by = Customer.code + " " + Customer.name + _addresses() + _former(session) + _metadata(session)
    _replace(
        session, CUSTOMER_SEARCH, ids, select(Customer.id, searchable(found_by)).where(Customer.id.in_(ids))
    )


BLOCK = 64
"""Invoices with ids in a row, at most, that have one row in the search table."""


def index_invoices(session: Session, ids: Select[int]) -> None:
    """Have these invoices, which are new, found by their numbers. A number never changes, and what their
    customers are found by is with these."""
    session.flush()
    is_known = Invoice.id.in_(select(INVOICE_SEARCH.c.rowid))
    numbers = searchable(func.aggregate_strings(Invoice.number, " "))
    rows = select(func.min(Invoice.id), numbers).where(Invoice.id.in_(ids), ~is_known)
    block = Invoice.id.op("/")(BLOCK)
    session.execute(insert(INVOICE_SEARCH).from_select(["rowid", "text"], rows.group_by(block)))


def invoices_found(session: Session, wanted: str, at_most: int) -> list[int]:
    """The invoices whose number, or whose customer's code or name, contain every word; of many, `at_most` and
    one more.

    A word that is in no number must be in the names of the customer. The others may be in either: the
    invoices are looked for among those of the customers that have certain words, and among those whose number
    has one. The way on which fewer rows are looked at is taken."""
    words = search_words(wanted)
    if all(len(word) < TRIGRAM for word in words):
        named = select(Invoice.id).where(names_invoice(wanted))
        return list(session.scalars(named.limit(at_most + 1)))
    blocks = {word: _number_of(session, _blocks(word)) for word in words}
    either = [word for word in words if blocks[word]]
    of_names = [word for word in words if not blocks[word]]
    ways = [_Way(words, either, []), *([_Way(of_names, [], either)] if of_names else [])]
    for word in either:
        if len(word) >= TRIGRAM and len(words) > 1:
            ways.append(_Way([*of_names, word], [word], [other for other in either if other != word]))
    way = min(ways, key=lambda way: way.size(session, blocks))
    payer = read_before(session, Customer.id)
    theirs = _payers(session, way.of_customers).join(Invoice, Invoice.customer_id == payer)
    theirs = theirs.with_only_columns(Invoice.id)
    theirs = theirs.where(names_invoice(" ".join(way.others))) if way.others else theirs
    found = set(session.scalars(theirs.limit(at_most + 1)))
    for word in way.of_numbers:
        has_word = searchable(Invoice.number).contains(word, autoescape=True)
        firsts = session.scalars(_blocks(word)).all() if len(found) <= at_most else ()
        for at in range(0, len(firsts), BLOCKS_AT_ONCE):
            ids = (id for first in firsts[at : at + BLOCKS_AT_ONCE] for id in range(first, first + BLOCK))
            rows = select(Invoice.id).where(id_in(session, Invoice.id, ids), has_word, names_invoice(wanted))
            found.update(session.scalars(rows))
            if len(found) > at_most:
                break
    return sorted(found)[: at_most + 1]


@dataclass(frozen=True)
class _Way:
    """One way to all invoices: those of the customers that have these words, if they have the others in
    either, and those with one of these in their numbers."""

    of_customers: Sequence[str]
    of_numbers: Sequence[str]
    others: Sequence[str]

    def size(self, session: Session, blocks: Mapping[str, int]) -> int:
        """About how many rows are looked at."""
        found = len(customers_with(session, " ".join(self.of_customers), SIZED_MAX))
        payers = VERY_MANY if found > SIZED_MAX else found
        return payers * (INVOICES_EACH if self.others else 1) + sum(
            blocks[word] * BLOCK // 4 for word in self.of_numbers
        )


SIZED_MAX, VERY_MANY, INVOICES_EACH = 1_000, 20_000, 10


def _number_of(session: Session, rows: Select[int]) -> int:
    """How many these are; of more than SIZED_MAX it is only known that they are very many."""
    counted = keyset.counted(session, rows, SIZED_MAX)
    return VERY_MANY if counted.more else counted.n


def _blocks(word: str) -> Select[int]:
    """The first ids of the blocks that may have this word in a number."""
    text = INVOICE_SEARCH.c.text
    has_trigram = len(word) >= TRIGRAM
    return select(INVOICE_SEARCH.c.rowid).where(
        may_hold(text, word) if has_trigram else text.contains(word, autoescape=True)
    )


BLOCKS_AT_ONCE = 64
"""Blocks of the search table whose invoices are looked at by one query."""


def customers_found(session: Session, wanted: str) -> Select[int]:
    """The ids of the customers that are found by every word, or whose invoice is: by its number too. Of
    invoices that very many words find, some."""
    named = id_in(session, Invoice.id, invoices_found(session, wanted, NUMBERS_MAX)[:NUMBERS_MAX])
    ids = union(
        found_in(session, CUSTOMER_SEARCH, wanted), select(Invoice.customer_id).where(named)
    ).subquery()
    return select(ids.c[0])


NUMBERS_MAX = 1_000


def names_invoice(wanted: str, invoice: Any = Invoice) -> ColumnElement[bool]:
    """Whether the number of the current Invoice, or its customer's code or name, contain every word. Of an
    alias of Invoice, say which."""
    payer = aliased(Customer)
    said = (
        or_(
            payer.sort_name.contains(word, autoescape=True),
            searchable(invoice.number).contains(word, autoescape=True),
            searchable(payer.code).contains(word, autoescape=True),
        )
        for word in search_words(wanted)
    )
    # As a value: PostgreSQL would join all invoices with all customers for a condition.
    found = select(payer.id).where(payer.id == invoice.customer_id, *said).limit(1)
    return found.scalar_subquery().is_not(None)


def _payers(session: Session, words: Sequence[str]) -> Select[int]:
    """The customers whose code or name contain every one of these words: of few that a search finds. Of very
    many, which may all have it in their addresses, each customer's own are read."""
    own = (
        or_(
            Customer.sort_name.contains(word, autoescape=True),
            searchable(Customer.code).contains(word, autoescape=True),
        )
        for word in words
    )
    named, found = select(Customer.id).where(*own), customers_with(session, " ".join(words), SIZED_MAX)
    return named if len(found) > SIZED_MAX else named.where(id_in(session, Customer.id, found))


def _replace(session: Session, table: TableClause, ids: Select[int], rows: Select[int, str]) -> None:
    session.execute(delete(table).where(table.c.rowid.in_(ids)))
    session.execute(insert(table).from_select(["rowid", "text"], rows))


def _address_keys() -> ColumnElement[str]:
    """The ids of the recipient keys under which the customer has an address, in their order, each once."""
    keys = (
        select(CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id == Customer.id)
        .distinct()
        .order_by(CustomerEmail.recipient_key_id)
        .correlate(Customer)
        .subquery()
    )
    found = select("," + func.aggregate_strings(cast(keys.c.recipient_key_id, String), ",") + ",")
    return func.coalesce(found.scalar_subquery(), "")


def _addresses() -> ColumnElement[str]:
    found = select(" " + func.aggregate_strings(CustomerEmail.address, " "))
    return func.coalesce(found.where(CustomerEmail.customer_id == Customer.id).scalar_subquery(), "")


def _former(session: Session) -> ColumnElement[str]:
    """The addresses that the customer was mailed at and no longer has, as JSON. A mail that goes out needs no
    look at this: its addresses are the customer's then."""
    mailed = cast(Result.recipients, String)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    all_of = func.group_concat(distinct(mailed)) if is_sqlite else func.string_agg(distinct(mailed), ",")
    is_todays = exists().where(
        CustomerEmail.customer_id == Customer.id, mailed == '["' + CustomerEmail.address + '"]'
    )
    of_customer = (Result.customer_id == Customer.id, Result.recipients.is_not(None), ~is_todays)
    found = select(" " + all_of).where(*of_customer).correlate(Customer)
    return func.coalesce(found.scalar_subquery(), "")


def _metadata(session: Session) -> ColumnElement[str]:
    """The customer's free fields, but for those that hold passwords: a search must not tell them."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    each = func.json_each if is_sqlite else func.jsonb_each_text
    fields = each(Customer.extra).table_valued("key", "value", name="fields")
    found = select(" " + func.aggregate_strings(fields.c.value, " ")).where(
        fields.c.key.not_in(secret_names_query()), ~fields.c.value.startswith(PREFIX)
    )
    return func.coalesce(found.scalar_subquery(), "")
