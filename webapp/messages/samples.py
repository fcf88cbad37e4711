"""Invoices to try a definition on before it mails anyone: what its mails would be, and what is wrong with
them. Nothing is stored, nothing is sent."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_, select, true
from sqlalchemy.orm import Session, aliased

from webapp.access import Viewer, visible_to
from webapp.mailing.renderer import Renderer
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.messages.building import to_render
from webapp.messages.inputs import MessageInput, preview_input
from webapp.messages.passwords import NO_PASSWORD
from webapp.selection.eligibility import requirements_of, skip_reason
from webapp.store.customers import Customer
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus, ResultStatus
from webapp.translation import _

SAMPLES_MAX = 20
SAMPLE_TIME_LIMIT = 4.0
INVOICES_SEARCHED = 1_000
RUN_NAME = "Test"


@dataclass(frozen=True)
class Sample:
    """An invoice to try, and its customer. No run mails one that is not approved."""

    invoice_id: int
    number: str
    customer: str
    language: str
    is_approved: bool = True


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the templates, and the sample that showed it."""

    sample: Sample
    found: Unrenderable


SHOWN = (
    *(Invoice.id, Invoice.number, Customer.name, Customer.language),
    Invoice.status == InvoiceStatus.APPROVED,
)
"""The fields of a Sample, in their order."""


def samples(session: Session, viewer: Viewer, content: Content | None = None) -> list[Sample]:
    """Up to SAMPLES_MAX of the newest invoices that this person may see. Those that the definition could send
    come first, and among these every language, credit notes, and invoices without a due date. Approved ones;
    any others only while there is none."""
    is_approved = Invoice.status == InvoiceStatus.APPROVED
    return _ranked(session, viewer, content, is_approved) or _ranked(session, viewer, content, true())


def _ranked(
    session: Session, viewer: Viewer, content: Content | None, among: ColumnElement[bool]
) -> list[Sample]:
    unfit = skip_reason(requirements_of(0, content), None) if content else literal("")
    newest = (
        select(Invoice.id)
        .where(among, visible_to(viewer, Invoice))
        .order_by(Invoice.id.desc())
        .limit(INVOICES_SEARCHED)
    )
    rows = session.execute(
        select(
            *SHOWN,
            unfit != "",
            Invoice.gross_amount < Decimal(0),
            Invoice.due_date.is_(None),
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Invoice.id.in_(newest.subquery().select()))
        .order_by(Invoice.id.desc())
    ).all()
    ranked: dict[tuple[bool, bool], list[Sample]] = defaultdict(list)
    kinds = set()
    for id, number, customer, language, is_approved, is_unfit, *kind in rows:
        of_its_kind = (is_unfit, language, *kind)
        sample = Sample(id, number, customer, language, is_approved)
        ranked[is_unfit, of_its_kind in kinds].append(sample)
        kinds.add(of_its_kind)
    return [sample for rank in sorted(ranked) for sample in ranked[rank]][:SAMPLES_MAX]


def sample_of(session: Session, viewer: Viewer, invoice_id: int) -> Sample | None:
    """This invoice, if the person may see it."""
    row = session.execute(
        select(*SHOWN)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Invoice.id == invoice_id, visible_to(viewer, Invoice))
    ).first()
    return Sample(*row) if row else None


def input_of(session: Session, content: Content, sample: Sample) -> MessageInput:
    """What the mail of this sample would be made of."""
    ids = _mailed_with(session, sample) if content["collate"] else [sample.invoice_id]
    return preview_input(session, content, RUN_NAME, content["bcc"], ids)


COLLATED_MAX = 50


def _mailed_with(session: Session, sample: Sample) -> list[int]:
    """The invoice, and others of its customer and period that may be mailed: a mail of several looks
    different from a mail of one."""
    one, other = aliased(Invoice), aliased(Invoice)
    together = (
        select(other.id)
        .join(one, and_(one.customer_id == other.customer_id, one.period_start == other.period_start))
        .where(one.id == sample.invoice_id, one.period_end == other.period_end)
        .where(or_(other.id == one.id, other.status == InvoiceStatus.APPROVED))
        .order_by((other.id == one.id).desc(), other.id)
        .limit(COLLATED_MAX)
    )
    return list(session.scalars(together))


FREE = re.compile(r"\b(metadata|data)\b|” in a dict$")
"""Fields that the billing system names as it likes, also those of one of several invoices: an example cannot
know them."""


NEUTRAL: Content = {
    "name": "", "recipient_key_id": 0, "recipient_key": "", "subject": "", "template": "", "format": "text",
    "texts": {"": ""}, "transformations": [], "transformation_names": [], "no_documents": True, "zip": False,
    "password_key": "", "collate": False, "bcc": [],
    "sender": {"key": "", "address": "", "display_name": "", "reply_to": "", "envelope_sender": "",
               "mail_server_id": 0},
}  # fmt: skip
"""A definition that says nothing yet: stands in for one that is not filled in, where what templates see is
listed."""


def names_seen(session: Session, content: Content, sample: Sample | None) -> Mapping[str, Any]:
    """What templates see with this sample; without one, with an example."""
    work = input_of(session, content, sample) if sample else example(content)
    return to_render(work).names


def example_troubles(content: Content, renderer: Renderer) -> list[Trouble]:
    """What is wrong with the templates as far as an example shows it: while there is no invoice to try, a
    definition must not pass that names one invoice where its mails have several."""
    found = renderer.render(to_render(example(content)))
    if not isinstance(found, Unrenderable) or not found.where or FREE.search(found.problem):
        return []
    return [Trouble(Sample(0, _("example"), "", ""), found)]


def example(content: Content) -> MessageInput:
    """A mail to a customer who does not exist, of two invoices if the definition collates."""
    day = date(2026, 10, 31)
    invoice = {
        "id": 0,
        "number": "2026-1001",
        "status": InvoiceStatus.APPROVED,
        "period_start": day.replace(day=1),
        "period_end": day,
        "issue_date": day,
        "due_date": day,
        "currency": "EUR",
        "net_amount": Decimal(100),
        "tax_amount": Decimal(21),
        "gross_amount": Decimal(121),
        "data": {},
    }
    customer = {"code": "K-1001", "name": "Example", "language": "", "metadata": {}, "cluster": "example"}
    return MessageInput(
        result_id=0, run_id=0, definition_id=0, status=ResultStatus.READY, attempts=0, broken_connections=0,
        first_try_at=None, next_try_at=None, sent_at=None, message_id="<example@localhost>", version_id=0,
        content=content, run_name=RUN_NAME, bcc=(), customer=customer, password=NO_PASSWORD, recipients=(),
        invoices=(invoice, {**invoice, "number": "2026-1002"}) if content["collate"] else (invoice,),
        copies={0: 1}, documents=(),
    )  # fmt: skip


def troubles(
    tried: Sequence[tuple[Sample, MessageInput]], first: Rendered | Unrenderable, renderer: Renderer
) -> list[Trouble]:
    """What is wrong with the templates for any of these samples, of which the first has been rendered: each
    mistake once, with the first sample that shows it.

    A person waits for this. If the first sample already takes all the time or memory that a mail may have,
    the others are not tried; nor are those left after SAMPLE_TIME_LIMIT seconds."""
    found = [first]
    if not isinstance(first, Unrenderable) or first.where:
        until = time.monotonic() + SAMPLE_TIME_LIMIT
        for _sample, mail_input in tried[1:]:
            if time.monotonic() > until:
                break
            found.append(renderer.render(to_render(mail_input)))
    seen: dict[Unrenderable, Trouble] = {}
    for (sample, _input), one in zip(tried, found, strict=False):
        if isinstance(one, Unrenderable):
            seen.setdefault(one, Trouble(sample, one))
    return list(seen.values())
