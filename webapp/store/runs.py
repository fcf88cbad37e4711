"""Message runs, their results, reservations (no invoice goes out twice), and every attempt."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.customers import Cluster
from webapp.store.definitions import DefinitionVersion, MessageDefinition
from webapp.store.statuses import TO_FIX_ONLY, Outcome, ResultStatus, RunStatus
from webapp.store.types import Instant, Json, Key, Money, now

CLAIMED, IS_QUEUED = text("worker_id IS NOT NULL"), text("queue_id <> ''")
KEPT = text("rebuild_data IS NOT NULL")


class Run(Base):
    """A definition applied to a set of invoices.

    `highest_invoice_id` bounds the set at Create. While `creating`, `generated_up_to` is the highest customer
    id whose results are made. `preview_fingerprint` is the preview's fingerprint that the person saw.
    `message_key` makes this run's Message-IDs differ from those of any other installation. Refusals are
    counted from the attempt after `refusals_counted_after` on (delivery/circuit_breaker.py). An archived run
    is out of the way. `awaits_approval`: a request waits for a second person (approvals.py). A `created` run
    with `start_at` starts by itself then, and after `send_until` nothing of it is sent
    (lifecycle/sending_window.py). What it knew of people until `attempts_cleared_at` and
    `addresses_cleared_at` is gone (privacy/clearing.py)."""

    __tablename__ = "run"
    __table_args__ = (one_of("status", RunStatus), CheckConstraint("period_from <= period_to", name="period"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    definition_id: Mapped[int] = mapped_column(ForeignKey("message_definition.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("definition_version.id"))
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"), index=True)
    include_children: Mapped[bool]
    period_from: Mapped[date]
    period_to: Mapped[date]
    bcc: Mapped[list[str]] = mapped_column(Json, default=list)
    resend_already_sent: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(16), default=RunStatus.CREATING, index=True)
    problem: Mapped[str | None] = mapped_column(Text)
    highest_invoice_id: Mapped[int] = mapped_column(Key)
    generated_up_to: Mapped[int] = mapped_column(Key, default=0)
    preview_fingerprint: Mapped[str] = mapped_column(String(64), default="")
    start_when_created: Mapped[bool] = mapped_column(default=False)
    message_key: Mapped[str] = mapped_column(String(32))
    created_by: Mapped[str] = mapped_column(String(254))
    started_by: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime] = mapped_column(Instant, default=now)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    start_at: Mapped[datetime | None] = mapped_column(Instant)
    send_until: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)
    refusals_counted_after: Mapped[int] = mapped_column(Key, default=0, server_default="0")
    awaits_approval: Mapped[bool] = mapped_column(default=False, server_default=false())
    attempts_cleared_at: Mapped[datetime | None] = mapped_column(Instant)
    addresses_cleared_at: Mapped[datetime | None] = mapped_column(Instant)
    definition: Mapped[MessageDefinition] = relationship()
    version: Mapped[DefinitionVersion] = relationship()
    cluster: Mapped[Cluster] = relationship()


class ChosenInvoice(Base):
    """A run that is narrowed to chosen invoices takes no others."""

    __tablename__ = "chosen_invoice"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)


def _key(columns: list[str], others: list[str]) -> ForeignKeyConstraint:
    """A foreign key that only SQLite is told of, which looks one up in passing. PostgreSQL runs a query for
    each, row by row, and writes a lock into the row that it leads to: half of what making a run cost. What
    keeps it right there is said of each table that has one, and tests look after it (tests/conftest.py)."""
    return ForeignKeyConstraint(columns, others).ddl_if(dialect="sqlite")


class Result(Base):
    """What becomes of one invoice (with collate: of one customer's invoices) in one run.

    `worker_id` and `token` are the claim. After `unconfirmed` the token stays, for a late proof from the
    attempt's own worker, until a person touches the result. `message_number` is part of the Message-ID: it
    stays on automatic retries and grows with Send again. `broken_connections` counts the connections that
    broke on this message. `sort_name`, `amount` and `search_text` are what the run's page sorts by and
    searches in, written when the result is made (results/search_index.py).

    No foreign keys lead to the lead invoice and the customer: the former is among the result's own
    `result_invoice`, and an invoice keeps its customer, so no two results of a run have the same lead. What
    the other keys say holds on PostgreSQL too: a run makes its results while its row is locked, has counts of
    them (with a key) from then on, and is never deleted; a worker's row stays when it has left; a version is
    one of the run's definition, which goes only while it has no run."""

    __tablename__ = "result"
    __table_args__ = (
        one_of("status", ResultStatus),
        _key(["run_id"], ["run.id"]),
        _key(["version_id"], ["definition_version.id"]),
        _key(["worker_id"], ["worker.id"]),
        UniqueConstraint("run_id", "lead_invoice_id").ddl_if(dialect="sqlite"),
        CheckConstraint("status <> 'skipped' OR reason <> ''", name="skipped_says_why"),
        CheckConstraint("status <> 'sending' OR token IS NOT NULL", name="sending_is_claimed"),
        CheckConstraint("status <> 'deferred' OR next_try_at IS NOT NULL", name="deferred_has_a_time"),
        CheckConstraint("status <> 'removed' OR removed_from <> ''", name="removed_can_be_put_back"),
        Index("ix_result_customer_id", "customer_id", "run_id"),
        Index("ix_result_run_status", "run_id", "status", "id"),
        Index("ix_result_run_id", "run_id", "id", unique=True),
        Index("ix_result_run_name", "run_id", "sort_name", "id"),
        Index("ix_result_to_fix", "status", "reason", "id", "run_id", "customer_id", **TO_FIX_ONLY),
        Index("ix_result_to_fix_customer", "customer_id", "status", "reason", "id", "run_id", **TO_FIX_ONLY),
        Index("ix_result_worker", "worker_id", sqlite_where=CLAIMED, postgresql_where=CLAIMED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(Key)
    customer_id: Mapped[int] = mapped_column(Key)
    lead_invoice_id: Mapped[int] = mapped_column(Key)
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    warning: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    broken_connections: Mapped[int] = mapped_column(default=0)
    message_number: Mapped[int] = mapped_column(default=1)
    message_id: Mapped[str] = mapped_column(String(300), default="")
    recipients: Mapped[list[str] | None] = mapped_column(Json)
    smtp_reply: Mapped[str] = mapped_column(Text, default="")
    redirected: Mapped[bool] = mapped_column(default=False)
    removed_from: Mapped[str] = mapped_column(String(16), default="")
    sort_name: Mapped[str] = mapped_column(Text, default="", server_default="")
    amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0), server_default="0")
    search_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    version_id: Mapped[int | None] = mapped_column(Key)
    first_try_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant, default=now)
    worker_id: Mapped[int | None] = mapped_column(Key)
    token: Mapped[str | None] = mapped_column(String(32))


class ResultInvoice(Base):
    """Every invoice taken is in exactly one result of the run. `copy` is the copy number this result would
    send.

    What its keys say holds on PostgreSQL too. Each row is read from the result that it leads to, in the
    commit that made it, and moves only to another result of the same customer and run. A result is deleted
    only where it has no invoice left (selection/collation.py), an invoice never."""

    __tablename__ = "result_invoice"
    __table_args__ = (
        _key(["run_id", "result_id"], ["result.run_id", "result.id"]),
        _key(["invoice_id"], ["invoice.id"]),
    )

    run_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    result_id: Mapped[int] = mapped_column(Key, index=True)
    copy: Mapped[int] = mapped_column(default=1)


class Reservation(Base):
    """This copy of this invoice with this definition has gone out, or may have. Inserted in the commit that
    sets a result to `sending`; deleted only by proof that it did not go out. The last columns: what the mail
    said of the invoice (webapp/since_mailed.py)."""

    __tablename__ = "reservation"
    __table_args__ = (Index("ix_reservation_invoice_id", "invoice_id", "definition_id"),)

    definition_id: Mapped[int] = mapped_column(ForeignKey("message_definition.id"), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    copy: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    taken_at: Mapped[datetime] = mapped_column(Instant, default=now)
    currency: Mapped[str] = mapped_column(String(3), default="", server_default="")
    gross_amount: Mapped[Decimal | None] = mapped_column(Money)
    documents: Mapped[str] = mapped_column(Text, default="", server_default="")


class Attempt(Base):
    """One try to hand a message to the mail server. Times are UTC; `transcript` is the conversation, line by
    line; `queue_id` is the server's name for a mail that it took, from its reply.

    `rebuild_data` is what the message was made of, compressed: with its documents it gives the
    bytes that went out, which hash to `sha256`, until `rebuild_data_deleted_at` (evidence/retention.py)."""

    __tablename__ = "attempt"
    __table_args__ = (
        one_of("outcome", Outcome),
        Index("ix_attempt_rebuild_data", "started_at", "id", sqlite_where=KEPT, postgresql_where=KEPT),
        Index("ix_attempt_queue_id", "queue_id", sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    number: Mapped[int]
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"))
    mail_server_id: Mapped[int] = mapped_column(ForeignKey("mail_server.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("definition_version.id"))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(16), default="")
    code: Mapped[int | None]
    reply: Mapped[str] = mapped_column(Text, default="")
    queue_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(String(300), default="")
    recipients: Mapped[list[str]] = mapped_column(Json, default=list)
    bcc: Mapped[list[str]] = mapped_column(Json, default=list)
    refused: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    redirected_to: Mapped[str] = mapped_column(String(254), default="")
    transcript: Mapped[list[Any]] = mapped_column(Json, default=list)
    size: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    rebuild_data: Mapped[bytes | None] = mapped_column(LargeBinary)
    rebuild_data_deleted_at: Mapped[datetime | None] = mapped_column(Instant)
