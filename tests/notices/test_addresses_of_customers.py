"""No notice goes to an address that a customer has, too: however it is written, and fast among very many."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import String, cast, event, insert, literal, select
from sqlalchemy.orm import Session

from tests.notices.conftest import Office
from webapp.mailing.addresses import checked_address
from webapp.mailservers.user_mail import is_of_customer
from webapp.store.customers import Customer, CustomerEmail

LOOKUPS, SECONDS_MAX = 400, 2.0
"""Reading all rows for each would take 8 s and more."""
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}
VERY_MANY = pytest.param(200_000, marks=pytest.mark.slow_found)


@pytest.mark.parametrize(
    ("customers", "users"),
    [
        ("Anna.Bell@Customers.test", "anna.bell@customers.test"),
        ("anna@BÜCHER.example", "ANNA@bücher.example"),
        ("anna@xn--bcher-kva.example", "anna@bücher.example"),
        ("anna@bücher.example", "anna@XN--BCHER-KVA.example"),
        ("anna@straße.example", "Anna@straße.example"),
    ],
)
def test_case_and_international_domains_make_no_difference(
    office: Office, customers: str, users: str
) -> None:
    user = office.person(users)
    office.finished(user.email)
    office.world.add(checked_address(customers))
    with office.world.runtime.database.reading() as session:
        for address in (user.email, users):
            assert is_of_customer(session, address)
        for other in (
            "anna@example.com",
            "nna.bell@customers.test",
            "anna_bell@customers.test",
            "not an address",
        ):
            assert not is_of_customer(session, other)
    office.work()
    assert office.told(user.email) == [("run_finished", "dropped")]
    assert office.mails() == []


def add_many(session: Session, many: int, cluster_id: int, recipient_key_id: int) -> None:
    """This number of customers, each with an address."""
    numbers = select(literal(1).label("n")).cte(recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < many))
    code = literal("M").concat(cast(numbers.c.n, String))
    made = select(code, literal("Many"), literal(cluster_id))
    session.execute(insert(Customer).from_select(["code", "name", "cluster_id"], made))
    address = literal("Billing.").concat(Customer.code).concat("@Many.test")
    theirs = select(Customer.id, literal(recipient_key_id), address).where(Customer.name == "Many")
    names = ["customer_id", "recipient_key_id", "address"]
    session.execute(insert(CustomerEmail).from_select(names, theirs))


@pytest.mark.parametrize("many", [20_000, VERY_MANY])
def test_it_is_looked_up_among_very_many_by_its_index(office: Office, many: int) -> None:
    database, asked = office.world.runtime.database, list[tuple[str, Any]]()
    office.world.add("Anna@Customers.test")
    with database.writing() as session:
        key = session.scalars(select(CustomerEmail.recipient_key_id)).one()
        add_many(session, many, office.world.everybody.id, key)
    with database.reading() as session:
        began = time.monotonic()
        for n in range(LOOKUPS // 2):
            assert is_of_customer(session, f"billing.m{n * 97 + 1}@many.test")
            assert not is_of_customer(session, f"billing.m{n}@none.test")
        took = time.monotonic() - began
        print(f"\n{LOOKUPS} look-ups among {many} in {took:.3f} s")
        assert took < SECONDS_MAX

        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        is_of_customer(session, "anna@customers.test")
        statement, parameters = asked[0]
        plan = connection.exec_driver_sql(EXPLAIN[connection.dialect.name] + statement, parameters)
        assert "ix_customer_email_lower_address" in str(plan.all())
