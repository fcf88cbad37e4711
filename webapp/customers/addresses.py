"""Changes of the addresses of one customer by a person. An import never removes what was added here, and
keeps what was changed or removed here until the source says something else (webapp/sources.py)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import edits, sources
from webapp.access import Viewer
from webapp.customers import checks, locks
from webapp.customers.detail import subject
from webapp.customers.editing import index
from webapp.errors import NotFound, Refused
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.statuses import Origin
from webapp.translation import _


def keys(session: Session) -> list[tuple[int, str]]:
    """Id and name of every recipient key, by name."""
    rows = session.execute(select(RecipientKey.id, RecipientKey.key).order_by(RecipientKey.key))
    return [(id, key) for id, key in rows]


def address_values(addresses: list[CustomerEmail]) -> dict[str, Any]:
    """The addresses under a key, for a fingerprint."""
    return {"addresses": sorted([each.id, each.address, each.display_name] for each in addresses)}


def add_address(
    session: Session, viewer: Viewer, customer_id: int, key_id: int, address: str, display_name: str
) -> CustomerEmail:
    """Add an address under a recipient key; an import never removes it. Raises Refused and NotFound."""
    customer = locks.customer(session, viewer, customer_id)
    key = _key(session, key_id)
    stored = _under(session, customer, key)
    address, display_name = checks.address(address), _display_name(display_name)
    _refuse_twice(stored, address, key)
    made = CustomerEmail(
        customer_id=customer.id,
        recipient_key_id=key.id,
        address=address,
        display_name=display_name,
        origin=Origin.ADDED,
    )
    session.add(made)
    _note_addresses(session, viewer, customer, key, stored, [*stored, made])
    return made


def change_address(
    session: Session, viewer: Viewer, address_id: int, address: str, display_name: str, seen: str
) -> CustomerEmail:
    """Put another address, or display name, in this one's place. Raises Refused and NotFound."""
    customer, key, stored, changing = _locked_address(session, viewer, address_id, seen)
    address, display_name = checks.address(address), _display_name(display_name)
    _refuse_twice([each for each in stored if each is not changing], address, key)
    before = [_said(each) for each in stored]
    if (address, display_name) != (changing.address, changing.display_name):
        sources.remember_addresses(session, customer.id, key.key)
        changing.address, changing.display_name = address, display_name
        changing.origin = Origin.ADDED if changing.origin == Origin.ADDED else Origin.CHANGED
    _note_said(session, viewer, customer, key, before, [_said(each) for each in stored])
    return changing


def remove_address(session: Session, viewer: Viewer, address_id: int, seen: str) -> CustomerEmail:
    """Remove an address. Raises Refused and NotFound."""
    customer, key, stored, removed = _locked_address(session, viewer, address_id, seen)
    sources.remember_addresses(session, customer.id, key.key)
    session.delete(removed)
    left = [each for each in stored if each is not removed]
    _note_addresses(session, viewer, customer, key, stored, left)
    return removed


def _locked_address(
    session: Session, viewer: Viewer, address_id: int, seen: str
) -> tuple[Customer, RecipientKey, list[CustomerEmail], CustomerEmail]:
    """The address with its customer, locked, and all others under its key. Raises Refused if these are not
    what the form showed."""
    owner = session.scalar(select(CustomerEmail.customer_id).where(CustomerEmail.id == address_id))
    if owner is None:
        raise NotFound(_("There is no such address."))
    customer = locks.customer(session, viewer, owner)
    changing = session.get(CustomerEmail, address_id)
    if changing is None:
        raise NotFound(_("There is no such address."))
    key = session.get_one(RecipientKey, changing.recipient_key_id)
    stored = _under(session, customer, key)
    edits.refuse_if_changed(session, subject(customer), address_values(stored), seen)
    return customer, key, stored, changing


def _under(session: Session, customer: Customer, key: RecipientKey) -> list[CustomerEmail]:
    return list(
        session.scalars(
            select(CustomerEmail)
            .where(CustomerEmail.customer_id == customer.id, CustomerEmail.recipient_key_id == key.id)
            .order_by(CustomerEmail.id)
        )
    )


def _note_addresses(
    session: Session,
    viewer: Viewer,
    customer: Customer,
    key: RecipientKey,
    before: list[CustomerEmail],
    after: list[CustomerEmail],
) -> None:
    _note_said(session, viewer, customer, key, [_said(one) for one in before], [_said(one) for one in after])


def _note_said(
    session: Session,
    viewer: Viewer,
    customer: Customer,
    key: RecipientKey,
    before: list[str],
    after: list[str],
) -> None:
    name = f"addresses for “{key.key}”"
    edits.note_change(session, viewer.name, subject(customer), {name: before}, {name: after})
    session.flush()
    index(session, customer)


def _said(email: CustomerEmail) -> str:
    return f"{email.display_name} <{email.address}>" if email.display_name else email.address


def _refuse_twice(stored: list[CustomerEmail], address: str, key: RecipientKey) -> None:
    if any(each.address == address for each in stored):
        raise Refused(_("%(address)s is an address for “%(key)s” already.", address=address, key=key.key))


def _key(session: Session, key_id: int) -> RecipientKey:
    key = session.get(RecipientKey, key_id)
    if key is None:
        raise NotFound(_("There is no such recipient key."))
    return key


def _display_name(text: str) -> str:
    return checks.line(_("The display name"), text, checks.NAME_MAX, empty=True)
