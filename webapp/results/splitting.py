"""An invoice that cannot be sent moves out of its collated result into a result of its own, in the same
commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.lifecycle.counts import adjust
from webapp.lifecycle.results import LockedResult
from webapp.results import search_index
from webapp.selection.recheck import recheck
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus


def split_off_ineligible(session: Session, result_id: int, reasons: Mapping[int, str], worker_id: int) -> str:
    """Take those invoices out of the result that have a reason not to be sent, each into a skipped result of
    its own.

    If none would be left, the first invoice stays and its reason is returned: the result itself is to be
    skipped. Otherwise returns the empty text. `reasons` has every invoice of the result, in the order of
    their ids."""
    bad = [invoice_id for invoice_id, reason in reasons.items() if reason]
    if not bad:
        return ""
    first = bad[0]
    all_bad = len(bad) == len(reasons)
    leaving = bad[1:] if all_bad else bad
    if not leaving:
        return reasons[first]
    result = session.get_one(Result, result_id, with_for_update=True)
    staying = next(invoice_id for invoice_id in reasons if invoice_id not in leaving)
    result.lead_invoice_id = staying
    session.flush()
    parted = [result_id]
    for invoice_id in leaving:
        own = Result(
            run_id=result.run_id,
            customer_id=result.customer_id,
            lead_invoice_id=invoice_id,
            status=ResultStatus.SKIPPED,
            reason=reasons[invoice_id],
            version_id=result.version_id,
        )
        session.add(own)
        session.flush()
        session.execute(
            update(ResultInvoice)
            .where(ResultInvoice.run_id == result.run_id, ResultInvoice.invoice_id == invoice_id)
            .values(result_id=own.id)
        )
        adjust(session, result.run_id, Counter({(own.status, own.reason): 1}), worker_id)
        parted.append(own.id)
    content = session.get_one(
        DefinitionVersion, result.version_id or session.get_one(Run, result.run_id).version_id
    ).content
    search_index.index(session, cast(Content, content), Result.id.in_(parted))
    return reasons[first] if all_bad else ""


RECHECK_BATCH = {"sqlite": 5_000, "postgresql": 1_000}
"""Results rechecked by one query. For more, PostgreSQL reads all invoices each time; for fewer, SQLite takes
a fifth longer."""


def recheck_all(
    session: Session, rows: Sequence[LockedResult], version: int | None, *, once_more: bool = False
) -> Iterable[tuple[LockedResult, str]]:
    """Yield each row with the reason why it cannot be sent now, or the empty text. Take invoices that
    cannot be sent out of collated results."""
    at_once = RECHECK_BATCH[session.get_bind().dialect.name]
    for start in range(0, len(rows), at_once):
        chunk = rows[start : start + at_once]
        reasons = recheck(session, [row.id for row in chunk], version, once_more=once_more)
        for row in chunk:
            by_invoice = reasons[row.id]
            if len(by_invoice) > 1 and not all(by_invoice.values()):
                yield row, split_off_ineligible(session, row.id, by_invoice, 0)
            else:
                yield row, next(iter(by_invoice.values()))
