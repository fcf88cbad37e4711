"""Why results cannot be sent now, by their current data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from sqlalchemy import Select, bindparam, func, literal, select
from sqlalchemy.orm import Session

from webapp.selection.eligibility import Requirements, requirements_of, skip_reason
from webapp.store.customers import Customer
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run


def recheck(
    session: Session, result_ids: Iterable[int], with_version: int | None = None, *, once_more: bool = False
) -> dict[int, dict[int, str]]:
    """For each result: invoice id → why it cannot be sent now, or empty. With `once_more`, having been sent
    before is no reason.

    The requirements are those of the version that the result would be sent with, unless another is given."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for version_id, definition_id, ids in _by_version(session, list(result_ids), with_version):
        content = cast(Content, session.get_one(DefinitionVersion, version_id).content)
        reasons = _reasons(requirements_of(definition_id, content), once_more)
        for result_id, invoice_id, words in session.connection().execute(reasons, {"result_ids": ids}):
            found[result_id][invoice_id] = words
    return found


def _by_version(
    session: Session, result_ids: list[int], with_version: int | None
) -> Iterable[tuple[int, int, list[int]]]:
    """(version, definition, the results that would be sent with it). Nearly always there is one for all: then
    no row is read for each result."""
    version = func.coalesce(with_version, Result.version_id, Run.version_id)
    these = select(version, Run.definition_id).join(Run, Run.id == Result.run_id)
    these = these.where(id_in(session, Result.id, result_ids))
    versions = session.execute(these.distinct()).all()
    for version_id, definition_id in versions:
        ids = result_ids
        if len(versions) > 1:
            of_it = (version == version_id, Run.definition_id == definition_id)
            ids = list(session.scalars(these.with_only_columns(Result.id).where(*of_it)))
        yield version_id, definition_id, ids


NEVER_RESERVED = 1_000_000
"""A copy number that no mail will ever have."""


@lru_cache(maxsize=256)
def _reasons(requirements: Requirements, once_more: bool) -> Select[int, int, str]:
    """(result id, invoice id, reason or empty) of every invoice of these results; the statement is built once
    per requirements."""
    copy = literal(NEVER_RESERVED) if once_more else ResultInvoice.copy
    return (
        select(ResultInvoice.result_id, Invoice.id, skip_reason(requirements, copy))
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(ResultInvoice.result_id.in_(bindparam("result_ids", expanding=True)))
        .order_by(Invoice.id)
    )
