"""Customers as the pages find them: indexed, as everything that stores customers has them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.world import World
from webapp import found_by
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice


def index_all(session: Session) -> None:
    """Index every customer and invoice, in this writing session."""
    found_by.index_customers(session, select(Customer.id))
    found_by.index_invoices(session, select(Invoice.id))


@pytest.fixture
def indexed(world: World) -> World:
    """The world after everything in it is indexed; call `index_all` again after adding more."""
    with world.runtime.database.writing() as session:
        index_all(session)
    return world
