"""Digests of the mails that a run still has to send: by them an approval knows whether the list is still the
one that a second person saw."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import SENDABLE

Parts = dict[int, list[list[Any]]]
"""What was found of each key, in a fixed order."""


def mail_digests(session: Session, run: Run, *conditions: ColumnElement[bool]) -> dict[int, str]:
    """The digest of each mail that the run still has to send, by result: of who gets what. `conditions`: on
    the Result.

    It covers the version, the Bcc, which copy it is, the customer's name and language, the addresses under
    the version's recipient key, the invoices with their amounts and days, and the names and bytes of the
    documents. It does not cover the settings of the mail server, nor free data of customers and invoices."""
    digests: dict[int, str] = {}
    version = func.coalesce(Result.version_id, run.version_id)
    waiting = and_(Result.run_id == run.id, Result.status.in_(SENDABLE), *conditions)
    for version_id in session.scalars(select(version).where(waiting).distinct()).all():
        content = cast(Content, session.get_one(DefinitionVersion, version_id).content)
        digests |= _of_version(session, run, version_id, content, and_(waiting, version == version_id))
    return digests


def list_digest(digests: dict[int, str]) -> str:
    """One digest of all these mails."""
    return _sha256(sorted(digests.items()))


def _of_version(
    session: Session, run: Run, version_id: int, content: Content, mails: ColumnElement[bool]
) -> dict[int, str]:
    invoices = _invoices(session, content, mails)
    addresses = _addresses(session, content, mails)
    heads = session.execute(
        select(Result.id, Result.message_number, Result.customer_id, Customer.name, Customer.language)
        .join(Customer, Customer.id == Result.customer_id)
        .where(mails)
    )
    common = [version_id, list(run.bcc)]
    return {
        id: _sha256([*common, number, name, language, addresses[customer_id], invoices[id]])
        for id, number, customer_id, name, language in heads
    }


def _addresses(session: Session, content: Content, mails: ColumnElement[bool]) -> Parts:
    """The addresses of each customer who gets one of these mails."""
    rows = session.execute(
        select(CustomerEmail.customer_id, CustomerEmail.address, CustomerEmail.display_name)
        .where(
            CustomerEmail.recipient_key_id == content["recipient_key_id"],
            CustomerEmail.customer_id.in_(select(Result.customer_id).where(mails)),
        )
        .order_by(CustomerEmail.customer_id, CustomerEmail.address)
    )
    return _by_first(rows)


def _invoices(session: Session, content: Content, mails: ColumnElement[bool]) -> Parts:
    """The invoices of each result, each with its documents."""
    documents = _documents(session, content, mails)
    rows = session.execute(
        select(
            *(ResultInvoice.result_id, Invoice.id, ResultInvoice.copy, Invoice.number, Invoice.currency),
            *(Invoice.net_amount, Invoice.tax_amount, Invoice.gross_amount),
            *(Invoice.period_start, Invoice.period_end, Invoice.issue_date, Invoice.due_date),
        )
        .join(Result, Result.id == ResultInvoice.result_id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(mails)
        .order_by(ResultInvoice.result_id, Invoice.id)
    )
    return _by_first((*row, documents[row.id]) for row in rows)


def _documents(session: Session, content: Content, mails: ColumnElement[bool]) -> Parts:
    """The documents of each invoice that the mails attach. They are selected by their invoices only: with the
    transformations as a condition, too, SQLite may read every document that there is of one."""
    ours = select(ResultInvoice.invoice_id).join(Result, Result.id == ResultInvoice.result_id).where(mails)
    rows = session.execute(
        select(
            *(TransformationResult.invoice_id, TransformationResult.transformation_id),
            *(TransformationResult.file_name, TransformationResult.sha256),
        )
        .where(TransformationResult.invoice_id.in_(ours))
        .order_by(
            *(TransformationResult.invoice_id, TransformationResult.transformation_id),
            TransformationResult.file_name,
        )
    )
    attached = set(content["transformations"])
    return _by_first(row for row in rows if row.transformation_id in attached)


def _by_first(rows: Iterable[Any]) -> Parts:
    found: Parts = defaultdict(list)
    for first, *others in rows:
        found[first].append(others)
    return found


def _sha256(value: Any) -> str:
    # Amounts are written as text: json would make floats of them. Both databases order texts as they like,
    # but each always in the same way.
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()
