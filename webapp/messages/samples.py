"""Invoices to try a definition on before it mails anyone: what its mails would be, and what is wrong with
them. Nothing is stored, nothing is sent."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.mailing.renderer import Renderer
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.messages.building import to_render
from webapp.messages.inputs import MessageInput, preview_input
from webapp.selection.eligibility import requirements_of, skip_reason
from webapp.store.customers import Customer
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus

SAMPLES_MAX = 20
SAMPLE_TIME_LIMIT = 4.0
INVOICES_SEARCHED = 1_000
RUN_NAME = "Test"


@dataclass(frozen=True)
class Sample:
    """An invoice to try, and its customer."""

    invoice_id: int
    number: str
    customer: str
    language: str


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the templates, and the sample that showed it."""

    sample: Sample
    found: Unrenderable


def samples(session: Session, viewer: Viewer, content: Content | None = None) -> list[Sample]:
    """Up to SAMPLES_MAX of the newest invoices that this person may see. Those that the definition could send
    come first, and among these every language, credit notes, and invoices without a due date."""
    unfit = skip_reason(requirements_of(0, content), None) if content else literal("")
    newest = (
        select(Invoice.id)
        .where(Invoice.status == InvoiceStatus.APPROVED, visible_to(viewer, Invoice))
        .order_by(Invoice.id.desc())
        .limit(INVOICES_SEARCHED)
    )
    rows = session.execute(
        select(
            Invoice.id,
            Invoice.number,
            Customer.name,
            Customer.language,
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
    for id, number, customer, language, is_unfit, *kind in rows:
        of_its_kind = (is_unfit, language, *kind)
        ranked[is_unfit, of_its_kind in kinds].append(Sample(id, number, customer, language))
        kinds.add(of_its_kind)
    return [sample for rank in sorted(ranked) for sample in ranked[rank]][:SAMPLES_MAX]


def sample_of(session: Session, viewer: Viewer, invoice_id: int) -> Sample | None:
    """This invoice, if the person may see it."""
    row = session.execute(
        select(Invoice.id, Invoice.number, Customer.name, Customer.language)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Invoice.id == invoice_id, visible_to(viewer, Invoice))
    ).first()
    return Sample(*row) if row else None


def input_of(session: Session, content: Content, sample: Sample) -> MessageInput:
    """What the mail of this sample would be made of."""
    return preview_input(session, content, RUN_NAME, content["bcc"], [sample.invoice_id])


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
        for _, mail_input in tried[1:]:
            if time.monotonic() > until:
                break
            found.append(renderer.render(to_render(mail_input)))
    seen: dict[Unrenderable, Trouble] = {}
    for (sample, _), one in zip(tried, found, strict=False):
        if isinstance(one, Unrenderable):
            seen.setdefault(one, Trouble(sample, one))
    return list(seen.values())
