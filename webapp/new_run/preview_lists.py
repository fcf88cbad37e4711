"""The read side of the run dialog: the lists behind the preview's numbers, and what is shown beside them.

The lists use the very queries of the selection, so they cannot disagree with the numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, false, func, literal, select, true, tuple_
from sqlalchemy.orm import Session, join

from webapp import keyset
from webapp.access import Viewer, below, seen_by, visible_to
from webapp.keyset import Counted, Edge, Order, Page
from webapp.new_run.bounced_before import is_bounced
from webapp.new_run.preview_search import mentions
from webapp.periods import overlapping, within
from webapp.selection import collation
from webapp.selection.eligibility import (
    Requirements,
    mailed_with_other_definition,
    requirements_of,
    skip_conditions,
    skip_reason,
)
from webapp.selection.invoices import Selection, copy_to_send, planned_customer_filter
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.statuses import REASONS_OF_INVOICES, SkipReason
from webapp.translation import N_

READY, SKIPPED, OVERLAPPING, MAILED_BEFORE = "ready", "skipped", "overlapping", "mailed_before"
BOUNCED_BEFORE = "bounced_before"
LISTS = (READY, SKIPPED, *REASONS_OF_INVOICES, OVERLAPPING, MAILED_BEFORE, BOUNCED_BEFORE)
ORDERS: dict[str, Order[Invoice]] = {
    "": Order(
        N_("Period"), Invoice.period_start, lambda invoice: str(invoice.period_start), date.fromisoformat
    )
}
"""By their names in addresses. An edge also has the period's last day, as `listed` reads it."""


@dataclass
class Listed:
    """An invoice in a list. `reason`: why it would be skipped, empty for one that would be sent. `notes` say
    more: where it goes, what is missing, who mailed it when. `documents` are those that it is mailed with."""

    invoice_id: int
    number: str
    period: tuple[date, date]
    currency: str
    gross: Decimal
    status: str
    customer_id: int
    code: str
    name: str
    reason: str
    notes: list[str] = field(default_factory=list)
    documents: list[TransformationResult] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.invoice_id

    @property
    def place(self) -> str:
        """Its position in a list, as a cursor says it beside the id."""
        return f"{self.period[0]}~{self.period[1]}"


def listed(
    session: Session,
    viewer: Viewer,
    selection: Selection,
    content: Content,
    show: str,
    edge: Edge | None,
    size: int = keyset.PAGE_SIZE,
    search: str = "",
) -> Page[Listed]:
    """A page of one of the LISTS, by period and then as the invoices came in, without its notes; with
    `search` only what mentions it: number, and code or name of the customer.

    Raises ValueError for a list or an edge that cannot be."""
    query = _query(session, viewer, selection, requirements_of(selection.definition_id, content), show)
    query = query.where(*mentions(session, search))
    place = (Invoice.period_start, Invoice.period_end, Invoice.id)
    if edge:
        first, last = (date.fromisoformat(day) for day in edge.value.split("~"))
        mark = tuple_(first, last, edge.id)
        query = query.where(tuple_(*place) < mark if edge.backwards else tuple_(*place) > mark)
    query = query.order_by(*keyset.order(edge, *place)).limit(size + 1)
    found = [_line(*row) for row in session.execute(query)]
    return keyset.page(found, edge, [keyset.cursor(line.invoice_id, line.place) for line in found], size)


LISTED_MAX, NUMBERS_AT_ONCE_MAX = 1_000, 5_000
"""Up to this many invoices of a list are counted one by one. Up to this many of all lists, they are counted
with the page; of more, the page is shown first."""


def number_listed(
    session: Session, viewer: Viewer, selection: Selection, content: Content, show: str, search: str
) -> Counted:
    """How many invoices of this list a search leaves."""
    query = _query(session, viewer, selection, requirements_of(selection.definition_id, content), show)
    found = query.with_only_columns(Invoice.id).where(*mentions(session, search))
    return keyset.counted(session, found, LISTED_MAX)


def is_large(session: Session, viewer: Viewer, selection: Selection) -> bool:
    """Whether counting every list of this selection would hold up a page."""
    chosen = (Invoice.id.in_(selection.invoice_ids),) if selection.invoice_ids else ()
    invoices = select(Invoice.id).where(
        planned_customer_filter(session, selection),
        seen_by(viewer),
        within(selection.period_from, selection.period_to),
        *chosen,
    )
    joined = invoices.join(Customer, Customer.id == Invoice.customer_id)
    return keyset.counted(session, joined, NUMBERS_AT_ONCE_MAX).more


def _line(invoice: Invoice, code: str, name: str, reason: str) -> Listed:
    return Listed(
        invoice.id,
        invoice.number,
        (invoice.period_start, invoice.period_end),
        invoice.currency,
        invoice.gross_amount,
        invoice.status,
        invoice.customer_id,
        code,
        name,
        reason,
    )


def sent_together(
    session: Session, viewer: Viewer, selection: Selection, content: Content, invoice_id: int
) -> list[Listed]:
    """This invoice and those that its mail would also be about: with collate all of its customer that can be
    sent, or those of them that go into the same mail. Empty if it would not be sent."""
    query = _query(session, viewer, selection, requirements_of(selection.definition_id, content), READY)
    row = session.execute(query.where(Invoice.id == invoice_id)).first()
    if row is None:
        return []
    one = _line(*row)
    if not content["collate"]:
        return [one]
    sizes = _sizes(session, viewer, selection, content).where(Invoice.customer_id == one.customer_id)
    mails = collation.mails_of(session.execute(sizes))
    each = ([id for id, _ in mail] for mail in mails)
    mail = next((ids for ids in each if invoice_id in ids), [])  # it may have changed just now
    others = query.where(Invoice.id.in_(mail), Invoice.id != invoice_id)
    return [one, *(_line(*row) for row in session.execute(others))]


def _query(
    session: Session, viewer: Viewer, selection: Selection, requirements: Requirements, show: str
) -> Select[Invoice, str, str, str]:
    """The invoices of a list, with why they would be skipped."""
    if show not in LISTS:
        raise ValueError(f"there is no list {show!r}")
    reason = skip_reason(requirements, copy_to_send(selection))
    chosen = (Invoice.id.in_(selection.invoice_ids),) if selection.invoice_ids else ()
    known = literal(show if show in set(REASONS_OF_INVOICES) else "")
    return (
        select(Invoice, Customer.code, Customer.name, reason if show == SKIPPED else known)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            planned_customer_filter(session, selection),
            seen_by(viewer),
            *_conditions(selection, requirements, show, reason),
            *chosen,
        )
    )


def _conditions(
    selection: Selection, requirements: Requirements, show: str, reason: ColumnElement[str]
) -> tuple[ColumnElement[bool], ...]:
    """The list's own skip condition comes first: it is quicker than all of them. To build those of all lists
    would take longer than to run one."""
    days = (selection.period_from, selection.period_to)
    if show == OVERLAPPING:
        return (overlapping(*days),)
    if show in (READY, SKIPPED):
        return within(*days), reason == "" if show == READY else reason != ""
    if show == BOUNCED_BEFORE:
        return within(*days), is_bounced(requirements.recipient_key_id), reason == ""
    if show == MAILED_BEFORE:
        return within(*days), mailed_with_other_definition(requirements.definition_id), reason == ""
    obstacles = skip_conditions(requirements, copy_to_send(selection))
    return within(*days), obstacles.get(SkipReason(show), false()), reason == show


def numbers(session: Session, viewer: Viewer, invoice_ids: Collection[int]) -> Sequence[str]:
    """The numbers of these invoices, of those that this person may see."""
    ours = (Invoice.id.in_(invoice_ids), visible_to(viewer, Invoice))
    return session.scalars(select(Invoice.number).where(*ours).order_by(Invoice.number)).all()


@dataclass(frozen=True)
class Beside:
    """What the dialog shows beside the numbers. `clusters` are those below the chosen one, `rate` the mails a
    minute that the mail server is allowed (0: no limit), `largest` the bytes of the largest mail (0: not
    known)."""

    clusters: int
    rate: int
    largest: int


INVOICES_MEASURED_MAX = 5_000
"""The number of invoices up to which the largest mail is determined; beyond it would take too long."""
TEXT_BYTES = 10_000
"""An allowance for headers, HTML and text of a mail."""


def beside(session: Session, viewer: Viewer, selection: Selection, content: Content, ready: int) -> Beside:
    """Look up what the dialog shows beside the numbers of this selection."""
    reached = below(frozenset({selection.cluster_id}))
    clusters = select(func.count(Cluster.id)).where(Cluster.id.in_(reached), visible_to(viewer, Cluster))
    rate = select(MailServer.rate_per_minute).where(MailServer.id == content["sender"]["mail_server_id"])
    return Beside(
        clusters=(session.scalar(clusters) or 1) - 1,
        rate=session.scalar(rate) or 0,
        largest=_largest(session, viewer, selection, content) if 0 < ready <= INVOICES_MEASURED_MAX else 0,
    )


def _largest(session: Session, viewer: Viewer, selection: Selection, content: Content) -> int:
    """About how many bytes the largest mail has: its documents as base64 in lines (RFC 2045: 57 bytes become
    76 and a line end), its texts and headers."""
    rows = session.execute(_sizes(session, viewer, selection, content)).all()
    if content["collate"]:
        sizes = [sum(size for _, size in mail) for mail in collation.mails_of(rows)]
    else:
        sizes = [row.size for row in rows]
    return max(sizes, default=0) * 78 // 57 + TEXT_BYTES


def _sizes(session: Session, viewer: Viewer, selection: Selection, content: Content) -> Select[int, int, int]:
    """The sizes of the invoices that would be sent."""
    requirements = requirements_of(selection.definition_id, content)
    source = join(Invoice, Customer, Customer.id == Invoice.customer_id)
    sizes = collation.document_sizes(content, source, Invoice.id, Invoice.customer_id, Invoice.id)
    return sizes.where(
        planned_customer_filter(session, selection),
        seen_by(viewer),
        within(selection.period_from, selection.period_to),
        Invoice.id.in_(selection.invoice_ids) if selection.invoice_ids else true(),
        skip_reason(requirements, copy_to_send(selection)) == "",
    )
