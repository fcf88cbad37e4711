"""Customers and invoices are found by any part of a word, with or without accents, on both databases."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import Select, select

from tests import factories
from webapp import found_by
from webapp.store.customers import Customer
from webapp.store.database import Database
from webapp.store.invoices import Invoice
from webapp.store.text_search import CUSTOMER_SEARCH, fold_text, found_in, searchable

EVERYONE: Select[int] = select(Customer.id)
SAMPLES = ("Çelik & Söhne", "ŁÓDŹ Straße", "Æther Œuvre ØRSTED", "１２３ ﬁn №4", "Đuro Þór", "plain text")


@pytest.mark.parametrize("text", [*SAMPLES, "NT-2610 0061"])
def test_both_databases_fold_as_python_does(database: Database, text: str) -> None:
    with database.reading() as session:
        assert session.scalar(select(searchable(text))) == fold_text(text)


@pytest.mark.parametrize(
    ("wanted", "finds"),
    [
        ("celik", True),
        ("ÇEL", True),
        ("k-41", True),
        ("lik k-4", True),
        ("@ÇELIK.test", True),
        ("post@celik.test", True),
        ("a_b", False),
        ("100%", False),
        ("x", False),
        ("ba", True),
        ("ba celik", True),
        ("k_ celik", False),
        ("a_b celik %", False),
        ("", True),
        ("μεγ", True),
        ("京都", True),
        ("東京都", True),
        ("東京x", False),
        ("メガ都", False),
    ],
)
def test_every_word_is_found_anywhere(database: Database, wanted: str, finds: bool) -> None:
    with database.writing() as session:
        everybody = factories.cluster(session, "all")
        payer = factories.customer(session, everybody, "post@celik.test", name="Bakkerij Çelik Ωμέγα 東京都")
        payer.code = "K-41"
        factories.customer(session, everybody, name="Other")
        found_by.index_customers(session, EVERYONE)
    with database.reading() as session:
        found = session.scalars(
            select(Customer.code).where(Customer.id.in_(found_in(session, CUSTOMER_SEARCH, wanted)))
        )
        assert ("K-41" in set(found)) is finds


def test_an_invoice_is_found_by_its_customer_and_number(database: Database) -> None:
    with database.writing() as session:
        payer = factories.customer(session, factories.cluster(session, "all"), name="Jansen")
        factories.invoice(session, payer, number="NT-2610-0061")
        found_by.index_invoices(session, select(Invoice.id))
        payer.name = "Petersen"
        found_by.index_customers(session, EVERYONE)
    with database.reading() as session:

        def count(wanted: str) -> int:
            return len(found_by.invoices_found(session, wanted, 10))

        wanted = ("petersen 0061", "0061 p", "2610-0", "jansen", "0062", "0061 jansen", "p%", "pete 0%1")
        assert [count(words) for words in wanted] == [1, 1, 1, 0, 0, 0, 0, 0]


def test_invoices_are_found_by_number_and_customer_in_every_mixture(database: Database) -> None:
    """Against looking at each invoice's own words; some of them are indexed later, and twice."""
    names = ("Bakkerij Çelik", "Dijkstra 100%", 'De "Wit" 77', "Celik & Zn 2610")
    with database.writing() as session:
        home = factories.cluster(session, "all")
        payers = [factories.customer(session, home, name=name) for name in names]
        for n in range(150):
            factories.invoice(session, payers[n % 4], number=f"NT-26{n % 7}0-Ä{n:04d}")
            if n == 70:
                found_by.index_invoices(session, select(Invoice.id))
        found_by.index_invoices(session, select(Invoice.id))
        found_by.index_customers(session, EVERYONE)
    words = ("celik", "2610", "a0", "a012", "nt-2", "77", "de", '"wit"', "100%", "0%", "dijk", "zzz", "_")
    with database.reading() as session:
        rows = session.execute(
            select(Invoice.id, Invoice.number, Customer.code, Customer.name).join(
                Customer, Customer.id == Invoice.customer_id
            )
        ).all()
        texts = {row.id: fold_text(f"{row.number} {row.code} {row.name}") for row in rows}
        for pair in itertools.product(words, repeat=2):
            meant = sorted(id for id, text in texts.items() if all(word in text for word in pair))
            assert found_by.invoices_found(session, " ".join(pair), 200) == meant, pair


def test_what_holds_a_password_is_not_searched(database: Database) -> None:
    with database.writing() as session:
        payer = factories.customer(session, factories.cluster(session, "all"))
        payer.extra = {"pin": "secret-77", "note": "Gold partner"}
        factories.definition(session, password_key="pin")
        found_by.index_customers(session, EVERYONE)
    with database.reading() as session:
        assert session.scalar(found_in(session, CUSTOMER_SEARCH, "gold")) == payer.id
        assert session.scalar(found_in(session, CUSTOMER_SEARCH, "secret-77")) is None


def test_sqlite_asks_its_trigrams(database: Database) -> None:
    """A condition that SQLAlchemy compares with 1 would have the whole table read."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL has booleans")
    with database.reading() as session:
        literal = {"literal_binds": True}
        query = found_in(session, CUSTOMER_SEARCH, "celik").compile(
            session.get_bind(), compile_kwargs=literal
        )
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert any("VIRTUAL TABLE INDEX 0:L" in row.detail for row in plan), plan


@pytest.mark.parametrize("wanted", ["as celik", "a%b celik", "_ x celik as", "as", "% _ a_b 100%"])
def test_words_without_a_trigram_do_not_end_the_process(database: Database, wanted: str) -> None:
    """SQLite 3.40.1 crashes if FTS5 gets a short LIKE before another one."""
    with database.writing() as session:
        factories.customer(session, factories.cluster(session, "all"), name="Bakkerij Çelik as")
        found_by.index_customers(session, EVERYONE)
    with database.reading() as session:
        found = session.scalars(found_in(session, CUSTOMER_SEARCH, wanted)).all()
    assert len(found) == (wanted in ("as celik", "as"))
