"""What differs from the last mail that an invoice went out with: its amount, its status, its documents.

What went out is in the reservation (store/runs.py), written in the commit before the mail's last byte, for
each invoice of the mail: so it is exact for mails with several invoices, with a ZIP or a password, and when
the mail itself is no longer kept. An invoice is mailed only while it is approved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Reservation, Result, ResultInvoice
from webapp.store.statuses import InvoiceStatus
from webapp.translation import N_, _, translated

LINE = "\n"
"""Before each document, and in no file name: so no name can look like the beginning of another document."""


@dataclass(frozen=True)
class DocumentChange:
    """The documents under one transformation, by its name: those of the mail that the invoice no longer has,
    and those that it has instead, as (file name, SHA-256)."""

    kind: str
    then: tuple[tuple[str, str], ...]
    now: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SinceMailed:
    """What differs from the last mail that went out, or may have: currency and gross amount of then, if they
    were others; the status of now, if it is no longer approved; and documents."""

    result_id: int
    at: datetime
    gross: tuple[str, Decimal] | None
    status: str
    documents: tuple[DocumentChange, ...]

    @property
    def parts(self) -> list[str]:
        """What of the invoice differs, in one word each."""
        found = (("amount", self.gross), ("status", self.status), ("document", self.documents))
        return [word for word, differs in found if differs]


def carried(documents: Iterable[tuple[int, str, str]]) -> str:
    """The documents of one invoice in a mail as its reservation keeps them, from the id of the
    transformation, the SHA-256, and the file name of each."""
    return "".join(
        f"{LINE}{kind}:{sha256}:{name.replace(LINE, ' ')}" for kind, sha256, name in sorted(documents)
    )


def load(session: Session, invoices: Sequence[Invoice]) -> dict[int, SinceMailed]:
    """Those of these invoices that differ from their last mail, by id. Three statements at most."""
    ids = [invoice.id for invoice in invoices]
    last: dict[int, Reservation] = {}
    for row in session.scalars(
        select(Reservation).where(Reservation.invoice_id.in_(ids)).order_by(Reservation.attempt_id)
    ):
        last[row.invoice_id] = row
    if not last:
        return {}
    today: dict[int, list[tuple[int, str, str]]] = {id: [] for id in last}
    stored = select(
        TransformationResult.invoice_id,
        TransformationResult.transformation_id,
        TransformationResult.sha256,
        TransformationResult.file_name,
    )
    for invoice_id, kind, sha256, name in session.execute(
        stored.where(TransformationResult.invoice_id.in_(last))
    ):
        today[invoice_id].append((kind, sha256, name))
    kinds = {id: name for id, name in session.execute(select(Transformation.id, Transformation.name))}
    compared = (
        _compared(invoice, last[invoice.id], today[invoice.id], kinds)
        for invoice in invoices
        if invoice.id in last
    )
    return {row.invoice_id: since for row, since in compared if since.parts}


def _compared(
    invoice: Invoice, mailed: Reservation, today: list[tuple[int, str, str]], kinds: dict[int, str]
) -> tuple[Reservation, SinceMailed]:
    then = (mailed.currency, mailed.gross_amount)
    is_other = mailed.gross_amount is not None and then != (invoice.currency, invoice.gross_amount)
    return mailed, SinceMailed(
        mailed.result_id,
        mailed.taken_at,
        (mailed.currency, mailed.gross_amount) if is_other and mailed.gross_amount is not None else None,
        "" if invoice.status == InvoiceStatus.APPROVED else invoice.status,
        tuple(_documents(mailed.documents, today, kinds)),
    )


def _documents(
    mailed: str, today: list[tuple[int, str, str]], kinds: dict[int, str]
) -> Iterable[DocumentChange]:
    then: dict[int, list[tuple[str, str]]] = {}
    for line in mailed.split(LINE)[1:]:
        kind, sha256, name = line.split(":", 2)
        then.setdefault(int(kind), []).append((name, sha256))
    for kind_id, before in then.items():
        now = [(name, sha256) for kind, sha256, name in today if kind == kind_id]
        gone, added = _without(before, now), _without(now, before)
        if gone or added:
            yield DocumentChange(kinds.get(kind_id, ""), gone, added)


def _without(some: list[tuple[str, str]], others: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those whose bytes are not among the others, each as often as it is missing: a new name is no change."""
    left = [sha256 for _id, sha256 in others]
    missing = []
    for name, sha256 in sorted(some):
        if sha256 in left:
            left.remove(sha256)
        else:
            missing.append((name, sha256))
    return tuple(missing)


def differs(invoice: Any = Invoice) -> ColumnElement[bool]:
    """The same in SQL: whether the current Invoice differs from its last mail. Of an alias of Invoice, say
    which."""
    last, newer, document = aliased(Reservation), aliased(Reservation), aliased(TransformationResult)
    later = exists().where(newer.invoice_id == last.invoice_id, newer.attempt_id > last.attempt_id)
    of_kind = literal(LINE) + cast(document.transformation_id, Text) + ":"
    of_mail = last.documents.contains(of_kind + document.sha256 + ":")
    counted = case((of_mail, 1), (last.documents.contains(of_kind), MANY), else_=0)
    todays = (
        select(func.coalesce(func.sum(counted), 0))
        .where(document.invoice_id == invoice.id)
        .correlate(invoice, last)
        .scalar_subquery()
    )
    number = func.length(last.documents) - func.length(func.replace(last.documents, LINE, ""))
    return exists().where(
        last.invoice_id == invoice.id,
        ~later,
        or_(
            invoice.status != InvoiceStatus.APPROVED,
            last.gross_amount != invoice.gross_amount,
            and_(last.gross_amount.is_not(None), last.currency != invoice.currency),
            todays != number,
        ),
    )


MANY = 1_000_000
"""What a document of today counts that the mail did not carry, though it carried others under its
transformation: more than all that it carried."""


def mark(session: Session, *invoices: ColumnElement[bool]) -> None:
    """Mark those of these invoices that were mailed, or may have been, or are about to be: their amount,
    status or documents change, so that they may differ from their last mail (`Invoice.touched`, by which the
    filter finds them). Call it in the transaction of the change."""
    claimed = (
        select(ResultInvoice.invoice_id)
        .join(Result, Result.id == ResultInvoice.result_id)
        .where(Result.worker_id.is_not(None))
    )
    mailed = exists().where(Reservation.invoice_id == Invoice.id)
    session.execute(
        update(Invoice)
        .where(*invoices, Invoice.touched.is_(False), or_(mailed, Invoice.id.in_(claimed)))
        .values(touched=True),
        execution_options={"synchronize_session": False},
    )


def mark_all(session: Session, *ids: Select[int]) -> None:
    """The same for many, if anything was ever mailed."""
    if session.scalar(select(Reservation.invoice_id).limit(1)) is not None or session.scalar(
        select(Result.id).where(Result.worker_id.is_not(None)).limit(1)
    ):
        for some in ids:
            mark(session, Invoice.id.in_(some))


STATUS_WORDS = (N_("open"), N_("approved"), N_("closed"))
"""The statuses of invoices, marked for translation."""


def words(since: SinceMailed, invoice: Invoice) -> str:
    """What differs, from what to what, in one line."""
    told = []
    if since.gross:
        currency, gross = since.gross
        then, now = f"{currency} {gross}", f"{invoice.currency} {invoice.gross_amount}"
        told.append(_("gross amount %(then)s → %(now)s", then=then, now=now))
    if since.status:
        approved, now = translated(InvoiceStatus.APPROVED), translated(since.status)
        told.append(_("status %(then)s → %(now)s", then=approved, now=now))
    for each in since.documents:
        told.append(f"{each.kind} {named(each.then)} → {named(each.now, each.then)}")
    return "; ".join(told)


def named(files: Sequence[tuple[str, str]], others: Sequence[tuple[str, str]] = ()) -> str:
    """The names of the files; one that is also among the others has other bytes than that."""
    names = {name for name, sha256 in others}
    told = (_("%(name)s (another file)", name=name) if name in names else name for name, sha256 in files)
    return ", ".join(told) or _("none")
