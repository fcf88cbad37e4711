"""Send again, and let suspect documents pass: a person has mails sent after all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, false, func, select, update
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.definitions.versions import todays_version as todays_version_of
from webapp.documents import findings
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.lifecycle.results import RELEASE_CLAIM, TRANSITION_BATCH, LockedResult, transition
from webapp.queue import JobQueue
from webapp.results.bulk import (
    CHANGED_SINCE,
    BulkOutcome,
    BulkSelection,
    audit_and_report,
    load_column,
    lock_selected,
    open_run,
    partition,
    unchanged_since_seen,
)
from webapp.results.filters import decided_since, may_come_twice, only_rehearsed
from webapp.results.labels import NOT_SENDABLE, status_words
from webapp.results.splitting import recheck_all
from webapp.results.suspect_documents import attached_to
from webapp.store.definitions import DefinitionVersion
from webapp.store.dialects import id_in
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import NEEDS_CONFIRMATION, ResultStatus, SkipReason
from webapp.translation import N_, _

NOT_HELD = N_("not held for a suspect document")
READY_AGAIN: dict[str, Any] = {
    **RELEASE_CLAIM,
    "detail": "",
    "warning": "",
    "smtp_reply": "",
    "broken_connections": 0,
    "redirected": False,
    "first_try_at": None,
    "next_try_at": None,
    "sent_at": None,
    "recipients": None,
    "message_number": Result.message_number + 1,
}
"""The columns of a result that goes out again: nothing is left of its last attempt, and its next mail gets a
new Message-ID."""


@dataclass(frozen=True)
class ResendPlan:
    """Which results go out again. For `first_copies` no customer has the mail, as far as is known; of
    `next_copies` customers may receive it twice, and a person has confirmed that. `unchanged` counts the
    results that stay as they are, by the reason in words."""

    first_copies: list[LockedResult]
    next_copies: list[LockedResult]
    unchanged: Counter[str]


def send_again(
    session: Session,
    queue: JobQueue,
    selection: BulkSelection,
    viewer: Viewer,
    *,
    confirmed: bool = False,
    todays_version: bool = False,
) -> BulkOutcome:
    """Make results `ready` after checking their data again; if the run is running or finished they go out.

    1. What was sent, or may have been, by this run or another, needs `confirmed`; a mail that went only to
    the redirect address does not. The confirmation does not cover results skipped for another reason, which
    no one was asked about, nor what another run sends in the meantime.
    2. Results whose data do not allow sending stay as they are, a skipped one with today's reason. Of a
    collated result only the invoice concerned is taken out.
    3. The others become `ready`, with a new Message-ID, from the version that the run keeps or from today's
    version. Those that were confirmed become the next copy of their invoices.

    Raises Refused.
    """
    run = open_run(session, selection, viewer)
    version_id = _todays_version(session, run).id if todays_version else None
    values = {**READY_AGAIN, "version_id": version_id}
    plan = _plan(session, run, selection, lock_selected(session, selection, viewer), confirmed=confirmed)
    _check_again(session, [*plan.next_copies, *plan.first_copies])
    judged_by = version_id or run.version_id
    next_copies = _eligible(session, run, plan.next_copies, plan.unchanged, judged_by, once_more=True)
    transition(session, run.id, next_copies, ResultStatus.READY, values=values)
    _count_copies_up(session, run, next_copies, selection.as_of)
    first_copies = _eligible(session, run, plan.first_copies, plan.unchanged, judged_by)
    transition(session, run.id, first_copies, ResultStatus.READY, values=values)
    ready = [*next_copies, *first_copies]
    if ready:
        runs.resume_for_new_work(session, queue, run, viewer)
    return audit_and_report(session, viewer, "send again", run, ready, plan.unchanged)


def release_documents(
    session: Session, queue: JobQueue, selection: BulkSelection, viewer: Viewer
) -> BulkOutcome:
    """Release results that are held for a suspect document: a person has looked at the documents. They
    become `ready`, as by Send again, unless something else prevents it. Each keeps the version of the
    definition that it was to be sent with. Raises Refused."""
    run = open_run(session, selection, viewer)
    rows = lock_selected(session, selection, viewer)
    held = [row for row in rows if _is_suspect(row)]
    others = len(rows) - len(held)
    unchanged = Counter({NOT_HELD: others} if others else {})
    suspect = unchanged_since_seen(session, selection, held, unchanged)
    for start in range(0, len(suspect), TRANSITION_BATCH):
        ids = [row.id for row in suspect[start : start + TRANSITION_BATCH]]
        findings.let_pass(session, attached_to(session, run, ids), viewer.name, selection.as_of)
    ready = _eligible(session, run, suspect, unchanged, None)
    transition(session, run.id, ready, ResultStatus.READY, values=READY_AGAIN)
    if ready:
        runs.resume_for_new_work(session, queue, run, viewer)
    return audit_and_report(session, viewer, "let documents pass", run, ready, unchanged)


def _todays_version(session: Session, run: Run) -> DefinitionVersion:
    """Raises Refused if today's version uses another mail server: a run goes through one, and another would
    reject its mails or treat their sender as forged."""
    today = todays_version_of(session, run.definition)
    own, other = (version.content["sender"]["mail_server_id"] for version in (run.version, today))
    if own != other:
        raise Refused(
            _(
                "Today’s version of the message definition uses another mail server than this run. "
                "Create a new run: it includes what has not been sent."
            )
        )
    return today


def _plan(
    session: Session, run: Run, selection: BulkSelection, rows: Sequence[LockedResult], *, confirmed: bool
) -> ResendPlan:
    """Sort the results into those that may go out again and those that stay as they are. Raises Refused."""
    sendable, unchanged = partition(
        rows,
        {
            ResultStatus.READY: N_("ready already: it goes out while the run is running"),
            ResultStatus.SENDING: N_("being handed over right now"),
            ResultStatus.REMOVED: N_("removed: put it back first"),
        },
    )
    if confirmed:
        return _plan_as_confirmed(session, run, selection, sendable, unchanged)
    asking = [row for row in sendable if row.status in NEEDS_CONFIRMATION]
    unconfirmed = {
        id for id, is_rehearsed in load_column(session, asking, only_rehearsed()) if not is_rehearsed
    }
    unchanged.update(
        _("%(status)s: confirm that the customer may receive it twice", status=status_words(row.status))
        for row in asking
        if row.id in unconfirmed
    )
    return ResendPlan([row for row in sendable if row.id not in unconfirmed], [], unchanged)


def _plan_as_confirmed(
    session: Session,
    run: Run,
    selection: BulkSelection,
    rows: Sequence[LockedResult],
    unchanged: Counter[str],
) -> ResendPlan:
    """The plan that a person's confirmation covers. What is not known to have gone out goes as the first
    copy, and is skipped if another run sends it first.

    Raises Refused if more customers may get a mail twice than the person was told: a mail that went out just
    before the question may have become known only since."""
    twice = may_come_twice(run.definition_id)
    since = and_(twice, decided_since(run.definition_id, selection.as_of)) if selection.as_of else false()
    kinds = dict(load_column(session, rows, case((since, "since"), (twice, "twice"), else_="first")))
    next_copies = [row for row in rows if kinds[row.id] == "twice"]
    if selection.may_come_twice is not None and len(next_copies) > selection.may_come_twice:
        raise Refused(
            _(
                "Another run has just sent some of these: more customers may have their mail already than "
                "you were told. Press Send again once more."
            )
        )
    changed = sum(1 for row in rows if kinds[row.id] == "since")
    if changed:
        unchanged[CHANGED_SINCE] += changed
    return ResendPlan([row for row in rows if kinds[row.id] == "first"], next_copies, unchanged)


def _eligible(
    session: Session,
    run: Run,
    rows: Sequence[LockedResult],
    unchanged: Counter[str],
    version_id: int | None,
    *,
    once_more: bool = False,
) -> list[LockedResult]:
    """Those of the results whose data allow sending, with this version or else each with its own. Counts the
    others in `unchanged`, and gives a skipped one today's reason. `once_more`: an earlier mail does not
    count as a reason."""
    eligible: list[LockedResult] = []
    for row, reason in recheck_all(session, rows, version_id, once_more=once_more):
        if not reason:
            eligible.append(row)
            continue
        unchanged[NOT_SENDABLE[SkipReason(reason)]] += 1
        if row.status == ResultStatus.SKIPPED and row.reason != reason:
            transition(session, run.id, [row], ResultStatus.SKIPPED, reason=reason)
    return eligible


def _check_again(session: Session, rows: Sequence[LockedResult]) -> None:
    """Check suspect documents again: the document store or a new import may have fixed them."""
    suspect = [row for row in rows if _is_suspect(row)]
    for start in range(0, len(suspect), TRANSITION_BATCH):
        findings.check_again(session, _invoices_of(suspect[start : start + TRANSITION_BATCH]))


def _is_suspect(row: LockedResult) -> bool:
    return row.status == ResultStatus.SKIPPED and row.reason == SkipReason.SUSPECT_DOCUMENT


def _invoices_of(rows: Sequence[LockedResult]) -> Select[int]:
    return select(ResultInvoice.invoice_id).where(ResultInvoice.result_id.in_([row.id for row in rows]))


def _count_copies_up(
    session: Session, run: Run, rows: Sequence[LockedResult], as_of: datetime | None
) -> None:
    """Give the invoices of these results the copy number after the highest reserved one, or the highest one
    at the time of the question."""
    highest = select(func.max(Reservation.copy)).where(
        Reservation.definition_id == run.definition_id, Reservation.invoice_id == ResultInvoice.invoice_id
    )
    if as_of:
        highest = highest.where(Reservation.taken_at <= as_of)
    copy = highest.scalar_subquery()
    for start in range(0, len(rows), TRANSITION_BATCH):
        ids = [row.id for row in rows[start : start + TRANSITION_BATCH]]
        session.execute(
            update(ResultInvoice)
            .where(id_in(session, ResultInvoice.result_id, ids), copy >= ResultInvoice.copy)
            .values(copy=copy + 1)
            .execution_options(synchronize_session=False)
        )
