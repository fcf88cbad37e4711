"""The fields of customers' metadata that hold passwords (webapp/sealed.py), as pages show and change them.
Their values are on no page unless a person asks, in no search, no download and no audit entry."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp import sealed
from webapp.errors import Refused
from webapp.sealed import CannotOpen, is_sealed, secret_names
from webapp.store.customers import Customer
from webapp.translation import _


def is_secret(session: Session, customer: Customer, name: str) -> bool:
    """Whether this field of the customer's holds a password, or did."""
    return name in secret_names(session) or is_sealed(customer.extra.get(name))


def readable(session: Session, customer: Customer, name: str) -> str:
    """The password in this field, for a person who asked to see it. Raises Refused if it cannot be read."""
    try:
        return sealed.keys_of(session).open(customer.code, name, customer.extra.get(name))
    except CannotOpen as problem:
        raise Refused(
            _("“%(name)s” of %(code)s cannot be read: %(why)s.", name=name, code=customer.code, why=problem)
        ) from None


def says(session: Session, customer: Customer, name: str, value: str) -> bool:
    """Whether the field holds this text. One that cannot be opened holds none: typed again, it is stored."""
    try:
        return sealed.keys_of(session).open(customer.code, name, customer.extra.get(name)) == value
    except CannotOpen:
        return False


def must_be_typed(name: str, value: str) -> None:
    """Raises Refused for a text that looks like a sealed value, in any field."""
    if is_sealed(value):
        raise Refused(
            _(
                "The value of “%(name)s” begins with “%(prefix)s”, which only Mailrun writes before what it "
                "has encrypted. Write the password itself.",
                name=name,
                prefix=sealed.PREFIX,
            )
        )


def kept(session: Session, customer: Customer, name: str, value: Any) -> Any:
    """What is kept of the stored value of a secret field: sealed, if it is not. Raises Refused as `seal`."""
    return value if value is None or is_sealed(value) else seal(session, customer, name, value)


def seal(session: Session, customer: Customer, name: str, value: Any) -> str:
    """What is stored of what a person typed into a secret field. Raises Refused if this process must not
    store any."""
    return sealed.get_ready(session).seal(customer.code, name, str(value))
