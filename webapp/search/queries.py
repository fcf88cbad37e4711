"""Everything that a search finds, in groups, each with as many rows as are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.keyset import Counted
from webapp.search.hits import Hits, are_enough, customer_hits, invoice_hits
from webapp.search.mails import mail_hits, named_mails
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import InvoiceStatus
from webapp.store.text_search import search_words, searchable
from webapp.translation import N_

GROUPS = (N_("customers"), N_("invoices"), N_("addresses"), N_("mails"), N_("runs"))
SHOWN_OF_EACH, SHOWN_OF_ONE = 8, 50
"""Rows of a group beside the others, and alone."""
RUNS_COUNTED_MAX = 200
RUN_NUMBER = re.compile(r"(?:run )?#?(\d{1,18})")


@dataclass(frozen=True)
class CustomerHit:
    """A customer with its cluster and the number of its invoices that are not closed."""

    customer: Customer
    cluster: str
    open_invoices: int


@dataclass(frozen=True)
class InvoiceHit:
    """An invoice with its customer's name."""

    invoice: Invoice
    customer: str


@dataclass(frozen=True)
class AddressHit:
    """An address of a customer under a key."""

    address: str
    display_name: str
    key: str
    customer_id: int
    customer: str


@dataclass(frozen=True)
class MailHit:
    """A result with its customer's name, its run's name and its invoices' numbers."""

    result: Result
    customer: str
    run: str
    numbers: list[str]


Rows = Sequence[CustomerHit | InvoiceHit | AddressHit | MailHit | Run]


@dataclass(frozen=True)
class Group:
    """What was found of a kind: the first rows, and how many there are."""

    name: str
    count: Counted
    rows: Rows


@dataclass(frozen=True)
class Found:
    """All groups, also those without a row. `needs_more`: the text is too short for anything but an exact
    match and the names of runs."""

    groups: Mapping[str, Group]
    needs_more: bool

    @property
    def count(self) -> Counted:
        """How many rows were found in all."""
        counts = [group.count for group in self.groups.values()]
        return Counted(sum(count.n for count in counts), any(count.more for count in counts))


def find(session: Session, viewer: Viewer, wanted: str, within: str = "") -> Found:
    """Search for a text in all groups; more rows of the one that is looked `within`."""
    words = search_words(wanted)
    if not words:
        return Found({name: Group(name, Counted(0), []) for name in GROUPS}, needs_more=False)
    shown = dict.fromkeys(GROUPS, SHOWN_OF_EACH) | {within: SHOWN_OF_ONE}
    customers = customer_hits(session, viewer, wanted, SHOWN_OF_ONE)
    invoices = invoice_hits(session, viewer, wanted, SHOWN_OF_ONE)
    mails = mail_hits(session, viewer, wanted, customers, invoices)
    runs = _runs(session, viewer, words)
    addresses = _addresses(session, words, customers)
    of_mails = Group("mails", mails.count, _mails(session, mails.ids[: shown["mails"]]))
    found = (
        Group("customers", customers.count, _customers(session, customers.ids[: shown["customers"]])),
        Group("invoices", invoices.count, _invoices(session, invoices.ids[: shown["invoices"]])),
        Group("addresses", _counted(addresses, customers), addresses[: shown["addresses"]]),
        of_mails,
        Group("runs", Counted(min(len(runs), RUNS_COUNTED_MAX), len(runs) > RUNS_COUNTED_MAX),
              runs[: shown["runs"]]),
    )  # fmt: skip
    named = named_mails(session, viewer, wanted)
    return Found({group.name: group for group in found}, not are_enough(words) and not named)


def _counted(addresses: list[AddressHit], customers: Hits) -> Counted:
    return Counted(len(addresses), not customers.are_all)


def _customers(session: Session, ids: list[int]) -> list[CustomerHit]:
    is_open = (Invoice.customer_id == Customer.id, Invoice.status != InvoiceStatus.CLOSED)
    n = select(func.count()).select_from(Invoice).where(*is_open).correlate(Customer).scalar_subquery()
    query = select(Customer, Cluster.tag_name, n).join(Cluster, Cluster.id == Customer.cluster_id)
    rows = {row[0].id: CustomerHit(*row) for row in session.execute(query.where(Customer.id.in_(ids)))}
    return [rows[id] for id in ids]


def _invoices(session: Session, ids: list[int]) -> list[InvoiceHit]:
    query = select(Invoice, Customer.name).join(Customer, Customer.id == Invoice.customer_id)
    rows = {row[0].id: InvoiceHit(*row) for row in session.execute(query.where(Invoice.id.in_(ids)))}
    return [rows[id] for id in ids]


def _addresses(session: Session, words: list[str], customers: Hits) -> list[AddressHit]:
    """The addresses, with their display names, that contain every word, of the customers found."""
    if not customers.ids:
        return []
    text = searchable(CustomerEmail.address + " " + CustomerEmail.display_name)
    query = (
        select(
            CustomerEmail.address,
            CustomerEmail.display_name,
            RecipientKey.key,
            Customer.id,
            Customer.name,
        )
        .join(Customer, Customer.id == CustomerEmail.customer_id)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(id_in(session, CustomerEmail.customer_id, customers.ids))
        .where(*(text.contains(word, autoescape=True) for word in words))
        .order_by(CustomerEmail.address, CustomerEmail.id)
    )
    return [AddressHit(*row) for row in session.execute(query)]


def _mails(session: Session, ids: list[int]) -> list[MailHit]:
    query = (
        select(Result, Customer.name, Run.name)
        .join(Customer, Customer.id == Result.customer_id)
        .join(Run, Run.id == Result.run_id)
        .where(Result.id.in_(ids))
    )
    numbers: dict[int, list[str]] = {id: [] for id in ids}
    for result_id, number in session.execute(
        select(ResultInvoice.result_id, Invoice.number)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(ids))
        .order_by(Invoice.id)
    ):
        numbers[result_id].append(number)
    rows = {
        result.id: MailHit(result, customer, run, numbers[result.id])
        for result, customer, run in session.execute(query)
    }
    return [rows[id] for id in ids]


def _runs(session: Session, viewer: Viewer, words: list[str]) -> list[Run]:
    """The runs whose names contain every word, or of this number, the newest first, also archived ones."""
    is_meant = and_(*(searchable(Run.name).contains(word, autoescape=True) for word in words))
    if number := RUN_NUMBER.fullmatch(" ".join(words)):
        is_meant = or_(is_meant, Run.id == int(number[1]))
    query = select(Run).where(is_meant, visible_to(viewer, Run)).order_by(Run.id.desc())
    return list(session.scalars(query.limit(RUNS_COUNTED_MAX + 1)))
