"""Pages by key, on both databases: forwards and backwards, with equal values, each row once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from webapp import keyset
from webapp.keyset import Edge, Page
from webapp.store.customers import Customer
from webapp.store.database import Database


def page_of(session: Session, by_name: bool, descending: bool, edge: Edge | None) -> Page[Customer]:
    query = select(Customer)
    column: Any = Customer.name if by_name else None
    if edge:
        query = query.where(keyset.beyond(edge, Customer.id, column, edge.value, descending=descending))
    columns = (Customer.name, Customer.id) if by_name else (Customer.id,)
    query = query.order_by(*keyset.order(edge, *columns, descending=descending)).limit(keyset.PAGE_SIZE + 1)
    found = list(session.scalars(query))
    marks = [keyset.cursor(row.id, row.name if by_name else "") for row in found]
    return keyset.page(found, edge, marks)


def edge_at(cursor: str, *, backwards: bool) -> Edge:
    id, _, value = cursor.partition("~")
    return Edge(int(id), value, backwards)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by_name", [False, True])
def test_there_and_back_again(database: Database, by_name: bool, descending: bool) -> None:
    with database.writing() as session:
        home = factories.cluster(session, "home")
        for number in range(120):
            factories.customer(session, home, "", name=f"Same ~ name {number % 3}")
    with database.reading() as session:
        there = [page_of(session, by_name, descending, None)]
        while there[-1].next:
            there.append(page_of(session, by_name, descending, edge_at(there[-1].next, backwards=False)))
        back = [there[-1]]
        while back[-1].previous:
            back.append(page_of(session, by_name, descending, edge_at(back[-1].previous, backwards=True)))
    seen = [row.id for page in there for row in page.rows]
    assert [len(page.rows) for page in there] == [50, 50, 20]
    assert len(set(seen)) == 120
    assert [row.id for page in reversed(back) for row in page.rows] == seen
    assert (there[0].previous, there[-1].next) == ("", "")
