"""Which results of a run a filter matches: the same conditions for the page that shows them and for the
action that changes them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Exists, String, and_, case, cast, exists, or_

from webapp.store import text_search
from webapp.store.runs import Reservation, Result, ResultInvoice
from webapp.store.statuses import NEEDS_CONFIRMATION, ResultStatus, SkipReason
from webapp.store.text_search import like_pattern, says


def matching(run_id: int, status: str = "", reason: str = "", search: str = "") -> list[ColumnElement[bool]]:
    """The conditions on Result. Without a status or a search, removed results stay hidden.

    Raises ValueError for a status or a reason that does not exist: a filter that is not understood must never
    match everything."""
    conditions = [Result.run_id == run_id]
    wanted = search.replace("\x00", "").strip()
    if status:
        conditions.append(Result.status == ResultStatus(status))
    elif not reason and not wanted:
        conditions.append(Result.status != ResultStatus.REMOVED)
    if reason:
        conditions += [Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason(reason)]
    if wanted:
        conditions.append(mentions(wanted))
    return conditions


def mentions(wanted: str) -> ColumnElement[bool]:
    """Whether customer code or name, invoice number, address or error text contains this text, in any case.

    Customer, invoices and addresses are searched as they were when the result was created (search_index.py),
    and also the addresses that the mail did go to, and what servers replied. These replies have to be read
    anyway, so the index of all invoices (store/text_search.py) saves nothing: with it, of 1,000,000 results,
    a search in a run of 7,000 takes as long on both engines, and ten times as long for a common name."""
    texts = (cast(Result.recipients, String), Result.detail, Result.smtp_reply, Result.warning)
    pattern = like_pattern(wanted)
    return or_(text_search.contains(Result.search_text, wanted), *(says(text, pattern) for text in texts))


def only_rehearsed() -> ColumnElement[bool]:
    """Whether the mail of the Result went only to the redirect address, and to no customer.

    A second copy that was redirected rehearses a mail that a customer has, or may have: its first copy had
    been reserved. A first copy is not sent while it is reserved."""
    later = exists().where(ResultInvoice.result_id == Result.id, ResultInvoice.copy > 1)
    return case((Result.redirected, ~later), else_=False)


def may_come_twice(definition_id: int) -> ColumnElement[bool]:
    """Whether the customer of the Result, in a run of this definition, may get the mail twice if it is sent
    again after a confirmation: it went out, or may have, in this run or another."""
    reserved = _mailed(definition_id).where(Reservation.copy >= ResultInvoice.copy)
    already_sent = and_(Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason.ALREADY_SENT)
    others = (ResultStatus.FAILED, ResultStatus.DEFERRED, *NEEDS_CONFIRMATION)
    return or_(
        and_(Result.status.in_(NEEDS_CONFIRMATION), ~only_rehearsed()),
        already_sent,
        and_(Result.status.in_(others), reserved),
    )


def decided_since(definition_id: int, as_of: datetime) -> ColumnElement[bool]:
    """Whether, since that moment, the Result has changed, or its invoice has gone out, or may have, in any
    run."""
    return or_(Result.changed_at > as_of, _mailed(definition_id).where(Reservation.taken_at > as_of))


def _mailed(definition_id: int) -> Exists:
    """Whether an invoice of the Result has gone out with this definition, or may have."""
    return (
        exists()
        .where(ResultInvoice.result_id == Result.id)
        .where(Reservation.definition_id == definition_id, Reservation.invoice_id == ResultInvoice.invoice_id)
    )
