"""Mails that a person has go out after all: Send again, and the release of suspect documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, false, func, select, update
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.definitions.versions import todays_version as version_of_today
from webapp.errors import Refused
from webapp.invoices import findings
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
from webapp.results.splitting import recheck_all
from webapp.results.suspect_documents import attached_to
from webapp.store.definitions import DefinitionVersion
from webapp.store.id_lists import id_in
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import NEEDS_CONFIRMATION, ResultStatus, SkipReason

REASON_WORDS = {
    SkipReason.SUSPENDED: "the customer is suspended",
    SkipReason.NOT_APPROVED: "the invoice is not approved",
    SkipReason.NO_RECIPIENT: "the customer has no address with the recipient key",
    SkipReason.NO_ATTACHMENT: "a document is missing",
    SkipReason.NO_PASSWORD: "the customer has no password for its documents",
    SkipReason.ALREADY_SENT: "already sent: confirm that the customer may get it twice",
    SkipReason.SUSPECT_DOCUMENT: "a document is suspect: look at it; let it pass, or import the right one",
}


def send_again(
    session: Session,
    queue: JobQueue,
    chosen: BulkSelection,
    viewer: Viewer,
    *,
    confirmed: bool = False,
    todays_version: bool = False,
) -> BulkOutcome:
    """Make results `ready`, after re-checking their data; in a running or finished run they then go out.

    1. What was sent, or may have been, here or by another run, needs `confirmed`, except a mail that only
    went to the redirect address. The confirmation does not cover a result that is skipped for another reason,
    which the question did not count, nor what another run sends meanwhile.
    2. Results whose data are not fit stay as they are (a skipped one with today's reason); of a collated
    result only the invoice concerned is split off.
    3. The others become `ready`, with a new Message-ID, from the run's copy of the definition or today's
    version; the confirmed ones as the next copy of their invoices.

    Raises Refused."""
    run = open_run(session, chosen, viewer)
    version = _version_of_today(session, run).id if todays_version else None
    rows = lock_selected(session, chosen, viewer)
    again, unchanged = _may_go_again(rows)
    if confirmed:
        again, twice = _as_asked(session, run, chosen, again, unchanged)
    else:
        again, twice = _for_the_first_time(session, again, unchanged), set()
    _check_again(session, again)
    fit: list[LockedResult] = []
    for once_more in (True, False):
        some = [row for row in again if once_more == (row.id in twice)]
        judged: dict[str, Any] = {"judged_by": version or run.version_id, "once_more": once_more}
        ready = _make_ready(session, queue, run, viewer, some, unchanged, **judged, version_id=version)
        if once_more:
            _next_copies(session, run, ready, chosen.as_of)
        fit += ready
    return audit_and_report(session, viewer, "send again", run, fit, unchanged)


def _version_of_today(session: Session, run: Run) -> DefinitionVersion:
    """A run goes through one mail server: with a sender of another server, its mails would be refused there,
    or taken for forged."""
    today = version_of_today(session, run.definition)
    servers = [version.content["sender"]["mail_server_id"] for version in (run.version, today)]
    if servers[0] != servers[1]:
        raise Refused(
            "Today’s version of the message definition is sent through another mail server than this run. "
            "Make a new run: it takes what has not been sent."
        )
    return today


def _make_ready(
    session: Session,
    queue: JobQueue,
    run: Run,
    viewer: Viewer,
    again: Sequence[LockedResult],
    unchanged: Counter[str],
    *,
    judged_by: int | None = None,
    once_more: bool = False,
    **columns: Any,
) -> list[LockedResult]:
    """Makes those of the results `ready` whose data are fit for the version that they are `judged_by`, else
    each by its own, and returns them; why others are not is counted in `unchanged`. `once_more`: that one was
    sent before is no reason. Sets further columns."""
    fit: list[LockedResult] = []
    for row, reason in recheck_all(session, again, judged_by, once_more=once_more):
        if not reason:
            fit.append(row)
            continue
        unchanged[REASON_WORDS[SkipReason(reason)]] += 1
        if row.status == ResultStatus.SKIPPED and row.reason != reason:
            transition(session, run.id, [row], ResultStatus.SKIPPED, reason=reason)
    values: dict[str, Any] = {
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
        **columns,
    }
    transition(session, run.id, fit, ResultStatus.READY, values=values)
    if fit:
        runs.resume_for_new_work(session, queue, run, viewer.name)
    return fit


def release_documents(
    session: Session, queue: JobQueue, chosen: BulkSelection, viewer: Viewer
) -> BulkOutcome:
    """A person has looked at the documents for which these results are held, and releases them.

    The results become `ready`, as by Send again, unless something else keeps them back; each keeps the
    version of the definition that it was to be sent with. Raises Refused."""
    run = open_run(session, chosen, viewer)
    rows = lock_selected(session, chosen, viewer)
    held = [row for row in rows if _is_suspect(row)]
    others = len(rows) - len(held)
    unchanged = Counter({"not held for a suspect document": others} if others else {})
    suspect = unchanged_since_seen(session, chosen, held, unchanged)
    for start in range(0, len(suspect), TRANSITION_BATCH):
        ids = [row.id for row in suspect[start : start + TRANSITION_BATCH]]
        findings.let_pass(session, attached_to(session, run, ids), viewer.name, chosen.as_of)
    fit = _make_ready(session, queue, run, viewer, suspect, unchanged)
    return audit_and_report(session, viewer, "let documents pass", run, fit, unchanged)


def _check_again(session: Session, rows: Sequence[LockedResult]) -> None:
    """What the document store did not have as it was imported may have been fixed, or imported again."""
    suspect = [row for row in rows if _is_suspect(row)]
    for start in range(0, len(suspect), TRANSITION_BATCH):
        findings.check_again(session, _invoices_of(suspect[start : start + TRANSITION_BATCH]))


def _is_suspect(row: LockedResult) -> bool:
    return row.status == ResultStatus.SKIPPED and row.reason == SkipReason.SUSPECT_DOCUMENT


def _invoices_of(rows: Sequence[LockedResult]) -> Select[int]:
    return select(ResultInvoice.invoice_id).where(ResultInvoice.result_id.in_([row.id for row in rows]))


def _may_go_again(rows: Sequence[LockedResult]) -> tuple[list[LockedResult], Counter[str]]:
    return partition(
        rows,
        {
            ResultStatus.READY: "ready already: it goes out while the run is running",
            ResultStatus.SENDING: "on the wire right now",
            ResultStatus.REMOVED: "removed: put it back first",
        },
    )


def _for_the_first_time(
    session: Session, rows: Sequence[LockedResult], unchanged: Counter[str]
) -> list[LockedResult]:
    """The rows that go again without a confirmation: no customer has them, as far as this run knows."""
    asking = [row for row in rows if row.status in NEEDS_CONFIRMATION]
    kept = {id for id, is_rehearsed in load_column(session, asking, only_rehearsed()) if not is_rehearsed}
    unchanged.update(
        f"{row.status}: confirm that the customer may get it twice" for row in asking if row.id in kept
    )
    return [row for row in rows if row.id not in kept]


def _as_asked(
    session: Session, run: Run, chosen: BulkSelection, rows: Sequence[LockedResult], unchanged: Counter[str]
) -> tuple[list[LockedResult], set[int]]:
    """The rows that a person's confirmation covers, and the ids of those that a customer may get twice by it.

    What is not known by now to have gone out goes as the first copy: it is skipped if another run comes
    first. Raises Refused if more may come twice than the question said: what went out just before the
    question may have become known only since."""
    twice = may_come_twice(run.definition_id)
    since = and_(twice, decided_since(run.definition_id, chosen.as_of)) if chosen.as_of else false()
    found = dict(load_column(session, rows, case((since, "since"), (twice, "twice"), else_="")))
    asked = {id for id, what in found.items() if what == "twice"}
    if chosen.may_come_twice is not None and len(asked) > chosen.may_come_twice:
        raise Refused(
            "Another run has just sent some of these: more customers may have theirs already than you were "
            "asked about. Press Send again once more."
        )
    fit = [row for row in rows if found[row.id] != "since"]
    if len(fit) < len(rows):
        unchanged[CHANGED_SINCE] += len(rows) - len(fit)
    return fit, asked


def _next_copies(session: Session, run: Run, rows: Sequence[LockedResult], as_of: datetime | None) -> None:
    """Give the invoices of these results the copy number after the highest that is reserved, or was when the
    question was asked."""
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
