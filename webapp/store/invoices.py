"""Invoices, the transformations that turn them into documents, and these documents (transformation
results)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base, one_of
from webapp.store.statuses import Finding, InvoiceStatus, LockProblem, Origin, OutputType
from webapp.store.types import Instant, Json, Key, Money

TOUCHED_ON_SQLITE, TOUCHED = text("touched = 1"), text("touched")


class Invoice(Base):
    """`touched`: its amount, status or documents were changed after it was mailed, or while it was: so it may
    differ from its last mail (webapp/since_mailed.py). `documents_deleted_at`: when its documents were
    deleted, since they are kept no longer (webapp/privacy)."""

    __tablename__ = "invoice"
    __table_args__ = (
        one_of("status", InvoiceStatus),
        CheckConstraint("period_start <= period_end", name="period"),
        CheckConstraint("length(currency) = 3", name="currency"),
        Index("ix_invoice_customer_period", "customer_id", "period_start", "period_end", "id"),
        Index("ix_invoice_period", "period_start", "period_end"),
        Index("ix_invoice_by_period", "period_start", "id"),
        Index("ix_invoice_status", "status", "period_start", "id"),
        Index("ix_invoice_amount", "gross_amount", "id"),
        Index("ix_invoice_currency", "currency", "gross_amount", "id"),
        Index("ix_invoice_due", text("coalesce(due_date, '9999-12-31')"), "id"),
        Index("ix_invoice_status_number", "status", "period_start", "number", "id"),
        Index("ix_invoice_status_due", "status", "period_start",
              text("coalesce(due_date, '9999-12-31')"), "id"),
        Index("ix_invoice_touched", "period_start", "id", sqlite_where=TOUCHED_ON_SQLITE,
              postgresql_where=TOUCHED),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(String(100), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    status: Mapped[str] = mapped_column(String(16))
    period_start: Mapped[date]
    period_end: Mapped[date]
    issue_date: Mapped[date]
    due_date: Mapped[date | None]
    currency: Mapped[str] = mapped_column(String(3))
    net_amount: Mapped[Decimal] = mapped_column(Money)
    tax_amount: Mapped[Decimal] = mapped_column(Money)
    gross_amount: Mapped[Decimal] = mapped_column(Money)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    touched: Mapped[bool] = mapped_column(default=False, server_default=false())
    documents_deleted_at: Mapped[datetime | None] = mapped_column(Instant)


NO_DUE_DATE = date(9999, 12, 31)
DUE_DAY = func.coalesce(Invoice.due_date, literal_column("'9999-12-31'", Date))
"""The due date for sorting, as the index has it: an invoice without one comes last."""


class Transformation(Base):
    __tablename__ = "transformation"
    __table_args__ = (one_of("output_type", OutputType),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    output_type: Mapped[str] = mapped_column(String(16))
    template: Mapped[str | None] = mapped_column(Text)
    autogenerate: Mapped[bool] = mapped_column(default=False)


SUSPECT_ON_SQLITE, SUSPECT = text("suspect = 1"), text("suspect")
UNCHECKED = text("found_in <> sha256")
OF_PEOPLE = text("origin <> 'source'")
UNLOCKABLE = text("lock_problem <> ''")
UNNAMED_AMOUNT = text("unnamed_amount IS NOT NULL")
"""Of what the partial indices are: nearly every document is none of it, and the few are found at once. SQLite
takes such an index for a query that says the same in the same words."""


class TransformationResult(Base):
    """One document. Its bytes are in the document store under their SHA-256.

    `finding` is what the document check (documents/document_checks.py) found in the bytes with the SHA-256
    `found_in`: where that is not today's, the document is unchecked. It is `suspect` until the check passes,
    or a person releases it. `lock_problem`: why these bytes cannot be given a password. `unnamed_amount`: the
    gross amount of the invoice, if the check did not find it, nor the net one, in the text of a PDF."""

    __tablename__ = "transformation_result"
    __table_args__ = (
        UniqueConstraint("invoice_id", "transformation_id", "file_name"),
        CheckConstraint("size >= 0", name="size"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        one_of("finding", Finding),
        one_of("lock_problem", LockProblem),
        one_of("origin", Origin),
        Index("ix_transformation_result_suspect", "invoice_id", sqlite_where=SUSPECT_ON_SQLITE,
              postgresql_where=SUSPECT),
        Index("ix_transformation_result_unchecked", "invoice_id", sqlite_where=UNCHECKED,
              postgresql_where=UNCHECKED),
        Index("ix_transformation_result_of_people", "id", sqlite_where=OF_PEOPLE,
              postgresql_where=OF_PEOPLE),
        Index("ix_transformation_result_unlockable", "invoice_id", sqlite_where=UNLOCKABLE,
              postgresql_where=UNLOCKABLE),
        Index("ix_transformation_result_unnamed_amount", "invoice_id", sqlite_where=UNNAMED_AMOUNT,
              postgresql_where=UNNAMED_AMOUNT),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    transformation_id: Mapped[int] = mapped_column(ForeignKey("transformation.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    found_in: Mapped[str] = mapped_column(String(64), default="", server_default="")
    finding: Mapped[str] = mapped_column(String(16), default=Finding.UNCHECKED, server_default="unchecked")
    finding_words: Mapped[str] = mapped_column(Text, default="", server_default="")
    suspect: Mapped[bool] = mapped_column(default=False, server_default=false())
    lock_problem: Mapped[str] = mapped_column(String(16), default=LockProblem.NONE, server_default="")
    unnamed_amount: Mapped[Decimal | None] = mapped_column(Money)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    passed_by: Mapped[str] = mapped_column(String(254), default="", server_default="")
    passed_at: Mapped[datetime | None] = mapped_column(Instant)
    origin: Mapped[str] = mapped_column(String(8), default=Origin.SOURCE, server_default="source")


class ErasedDocument(Base):
    """A document of an erased customer that is still to be deleted from the store
    (privacy/erased_documents.py)."""

    __tablename__ = "erased_document"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
