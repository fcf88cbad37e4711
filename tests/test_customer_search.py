"""A page looks up once which customers a search finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp.access import OPERATOR
from webapp.customer_search import customers_with
from webapp.customers import queries
from webapp.customers.filters import ORDERS, CustomerFilter


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """What is asked of the search table meanwhile."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FROM customer_search" in statement and "LIMIT" in statement:
            said.append(statement)

    event.listen(world.runtime.database.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(world.runtime.database.engine, "before_cursor_execute", note)


def three_kellers(world: World) -> None:
    with world.runtime.database.writing() as session:
        for n in range(3):
            factories.customer(session, world.everybody, f"k{n}@x.test", name=f"Keller {n}")
        index_all(session)


def test_a_list_looks_them_up_once(world: World) -> None:
    three_kellers(world)
    with world.runtime.database.reading() as session, statements(world) as said:
        page, count = queries.listing(session, OPERATOR, CustomerFilter(search="keller"), ORDERS[""], None)
    assert ([row.customer.name for row in page.rows], count.n) == (["Keller 0", "Keller 1", "Keller 2"], 3)
    assert len([each for each in said if "count(" not in each]) == 1


def test_more_are_looked_up_if_more_are_wanted(world: World) -> None:
    three_kellers(world)
    with world.runtime.database.reading() as session:
        assert [len(customers_with(session, "Keller", most)) for most in (1, 5, 1)] == [2, 3, 2]


def test_a_session_that_writes_finds_what_it_has_written(world: World) -> None:
    with world.runtime.database.writing() as session:
        assert not customers_with(session, "keller", 5)
        factories.customer(session, world.everybody, "k@x.test", name="Keller")
        index_all(session)
        assert len(customers_with(session, "keller", 5)) == 1
