"""What a person does with results: send again, remove, put back, let pass, mark as sent, mark as bounced. On
one row, on the rows ticked, or on everything that a filter matches.

Each takes the run's lock, changes what can be changed, and tells how many could not, with the reason in
words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from webapp.definitions.versions import todays_version as version_of_today
from webapp.invoices import findings
from webapp.queue import Bell
from webapp.runs import lifecycle
from webapp.runs.claims import reasons_of
from webapp.runs.filters import decided_since, matching, only_rehearsed
from webapp.runs.lifecycle import Refused
from webapp.runs.moves import CHUNK, UNCLAIMED, Held, hold, move
from webapp.runs.splitting import split_off
from webapp.runs.suspects import attached_to
from webapp.store.among import among
from webapp.store.definitions import DefinitionVersion
from webapp.store.people import AuditEntry
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import NEEDS_CONFIRMATION, ResultStatus, RunStatus, SkipReason
from webapp.store.types import now
from webapp.users.access import Viewer, visible_to

R = ResultStatus

LOOKED_AT = {"sqlite": 5_000, "postgresql": 1_000}
"""Results looked at anew by one query. For more PostgreSQL reads all invoices through, each time; SQLite
takes a fifth longer for fewer."""
CHANGED_SINCE = "changed since you were asked: look at what became of it"
MOST_NAMED = 200
NAMED = "; results "
"""What the audit says before the ids of the results that were changed, where these are not too many."""

REASON_WORDS = {
    SkipReason.SUSPENDED: "the customer is suspended",
    SkipReason.NOT_APPROVED: "the invoice is not approved",
    SkipReason.NO_RECIPIENT: "the customer has no address with the recipient key",
    SkipReason.NO_ATTACHMENT: "a document is missing",
    SkipReason.NO_PASSWORD: "the customer has no password for its documents",
    SkipReason.ALREADY_SENT: "already sent: confirm that the customer may get it twice",
    SkipReason.SUSPECT_DOCUMENT: "a document is suspect: look at it; let it pass, or import the right one",
}


@dataclass(frozen=True)
class Chosen:
    """Results of one run: these ids, or, without any, everything that the filter matches at the time.

    `as_of`: a person was asked about them as they were then. What a yes is needed for, and has changed since,
    stays as it is: another may have said yes already."""

    run_id: int
    result_ids: tuple[int, ...] | None = None
    status: str = ""
    reason: str = ""
    search: str = ""
    as_of: datetime | None = None


@dataclass(frozen=True)
class Done:
    """How many were changed, which (at most 1,000 ids, for Undo), and how many were not, by the reason in
    words."""

    changed: int
    unchanged: dict[str, int]
    ids: tuple[int, ...] = ()


def send_again(
    session: Session,
    bell: Bell,
    chosen: Chosen,
    viewer: Viewer,
    *,
    confirmed: bool = False,
    todays_version: bool = False,
) -> Done:
    """Makes results `ready`, after looking at their data anew; in a running or finished run they then go out.

    1. What was sent, or may have been, here or by another run, needs `confirmed`. Only a mail that went to
    the redirect address alone does not. For one that is skipped for another reason that is no yes: nobody was
    asked about it.
    2. Those whose data are not fit stay as they are (a skipped one with today's reason); of a collated result
    only the invoice concerned is taken out.
    3. The others become `ready`, with a new Message-ID, from the run's copy of the definition or today's
    version; those that were confirmed as the next copy of their invoices.

    Raises Refused.
    """
    run = _open(session, chosen, viewer)
    version = _version_of_today(session, run).id if todays_version else None
    again, unchanged = _may_go_again(session, run, _held(session, chosen, viewer), confirmed, chosen.as_of)
    _check_again(session, again)
    fit: list[Held] = []
    for once_more in (True, False):
        some = [row for row in again if once_more == (confirmed and _is_asked_about(row))]
        judged: dict[str, Any] = {"judged_by": version or run.version_id, "once_more": once_more}
        ready = _make_ready(session, bell, run, viewer, some, unchanged, **judged, version_id=version)
        if once_more:
            _next_copies(session, run, ready)
        fit += ready
    return _done(session, viewer, "send again", run, fit, unchanged)


def _is_asked_about(row: Held) -> bool:
    return row.reason in ("", SkipReason.ALREADY_SENT)


def _version_of_today(session: Session, run: Run) -> DefinitionVersion:
    """A run goes through one mail server: with the sender of another, its mails would be refused there, or
    taken for forged."""
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
    bell: Bell,
    run: Run,
    viewer: Viewer,
    again: Sequence[Held],
    unchanged: Counter[str],
    *,
    judged_by: int | None = None,
    once_more: bool = False,
    **columns: Any,
) -> list[Held]:
    """Makes those of the results `ready` whose data are fit for the version that they are `judged_by`, else
    each by its own, and returns them; why others are not is counted in `unchanged`. `once_more`: that one was
    sent before is no reason. Sets further columns."""
    fit: list[Held] = []
    for row, reason in _looked_at_anew(session, again, judged_by, once_more=once_more):
        if not reason:
            fit.append(row)
            continue
        unchanged[REASON_WORDS[SkipReason(reason)]] += 1
        if row.status == R.SKIPPED and row.reason != reason:
            move(session, run.id, [row], R.SKIPPED, reason=reason)
    values: dict[str, Any] = {
        **UNCLAIMED,
        "detail": "",
        "warning": "",
        "smtp_reply": "",
        "breaks": 0,
        "redirected": False,
        "first_try_at": None,
        "next_try_at": None,
        "sent_at": None,
        "recipients": None,
        "message_number": Result.message_number + 1,
        **columns,
    }
    move(session, run.id, fit, R.READY, values=values)
    if fit:
        _go_on(session, bell, run, viewer)
    return fit


def let_pass(session: Session, bell: Bell, chosen: Chosen, viewer: Viewer) -> Done:
    """Somebody has looked at the documents that the guard holds these results back for: they may go out. The
    results become `ready`, as by Send again, but for those that something else keeps back; each keeps the
    version of the definition that it was to be sent with. Raises Refused."""
    run = _open(session, chosen, viewer)
    rows = _held(session, chosen, viewer)
    suspect = [row for row in rows if _is_suspect(row)]
    for start in range(0, len(suspect), CHUNK):
        ids = [row.id for row in suspect[start : start + CHUNK]]
        findings.let_pass(session, attached_to(session, run, ids), viewer.name, chosen.as_of)
    others = len(rows) - len(suspect)
    unchanged = Counter({"not held for a suspect document": others} if others else {})
    fit = _make_ready(session, bell, run, viewer, suspect, unchanged)
    return _done(session, viewer, "let documents pass", run, fit, unchanged)


def _check_again(session: Session, rows: Sequence[Held]) -> None:
    """What the document store had not as it was imported may have been mended."""
    suspect = [row for row in rows if _is_suspect(row)]
    for start in range(0, len(suspect), CHUNK):
        findings.check_again(session, _invoices_of(suspect[start : start + CHUNK]))


def _is_suspect(row: Held) -> bool:
    return row.status == R.SKIPPED and row.reason == SkipReason.SUSPECT_DOCUMENT


def _invoices_of(rows: Sequence[Held]) -> Select[int]:
    return select(ResultInvoice.invoice_id).where(ResultInvoice.result_id.in_([row.id for row in rows]))


def remove(session: Session, chosen: Chosen, viewer: Viewer) -> Done:
    """Takes results out of the run, for the record. What is on the wire cannot be taken out. Raises
    Refused."""
    run = _open(session, chosen, viewer)
    rows, unchanged = _sorted(
        _held(session, chosen, viewer),
        {R.SENDING: "on the wire right now", R.REMOVED: "already removed"},
    )
    values = {**UNCLAIMED, "removed_from": Result.status, "reason": Result.reason}
    move(session, run.id, rows, R.REMOVED, values=values)
    lifecycle.finish_if_done(session, run.id)
    return _done(session, viewer, "remove", run, rows, unchanged)


def put_back(session: Session, bell: Bell, chosen: Chosen, viewer: Viewer) -> Done:
    """Gives removed results the status they had. `ready`, `deferred` and `skipped` are looked at anew.

    Raises Refused.
    """
    run = _open(session, chosen, viewer)
    held = hold(session, Result.status == R.REMOVED, *_conditions(chosen, viewer, R.REMOVED))
    had = dict(_column(session, held, Result.removed_from))
    back: dict[tuple[R, str], list[Held]] = defaultdict(list)
    anew = [row for row in held if had[row.id] in (R.READY, R.DEFERRED, R.SKIPPED)]
    for row, reason in _looked_at_anew(session, anew, None):
        was = R.READY if had[row.id] == R.SKIPPED else R(had[row.id])
        back[(R.SKIPPED, reason) if reason else (was, "")].append(row)
    for row in held:
        if had[row.id] not in (R.READY, R.DEFERRED, R.SKIPPED):
            back[R(had[row.id]), ""].append(row)
    for (status, reason), rows in back.items():
        move(session, run.id, rows, status, reason=reason, values={"removed_from": ""})
    if lifecycle.has_outstanding(session, run.id):
        _go_on(session, bell, run, viewer)
    asked = len(chosen.result_ids or held)
    unchanged = Counter({"not removed": asked - len(held)} if asked > len(held) else {})
    return _done(session, viewer, "put back", run, held, unchanged)


def confirm_sent(session: Session, chosen: Chosen, viewer: Viewer) -> Done:
    """A person knows that it arrived: `unconfirmed` becomes `sent`, without a mail server's reply. Raises
    Refused."""
    detail = f"marked as sent by {viewer.name}"
    values = {**UNCLAIMED, "sent_at": now(), "detail": detail, "smtp_reply": ""}  # of an earlier attempt
    return _decide(session, chosen, viewer, "confirm sent", R.UNCONFIRMED, R.SENT, values)


def mark_bounced(session: Session, chosen: Chosen, viewer: Viewer) -> Done:
    """A person knows that it came back: `sent` becomes `bounced`. Raises Refused."""
    values = {"detail": f"marked as bounced by {viewer.name}"}
    return _decide(session, chosen, viewer, "mark bounced", R.SENT, R.BOUNCED, values)


def _decide(
    session: Session, chosen: Chosen, viewer: Viewer, action: str, old: R, new: R, values: dict[str, Any]
) -> Done:
    run = _open(session, chosen, viewer)
    rows, unchanged = _sorted(
        _held(session, chosen, viewer), {status: f"not {old}, but {status}" for status in R if status != old}
    )
    move(session, run.id, rows, new, values=values)
    return _done(session, viewer, action, run, rows, unchanged)


def _open(session: Session, chosen: Chosen, viewer: Viewer) -> Run:
    run = lifecycle.changeable(session, chosen.run_id, viewer)
    if run.status == RunStatus.CREATING:
        raise Refused("The list of this run is still being made. Wait until it is whole.")
    return run


def _conditions(chosen: Chosen, viewer: Viewer, status: str = "") -> list[Any]:
    seen = visible_to(viewer, Result)
    if chosen.result_ids is None:
        return [*matching(chosen.run_id, chosen.status or status, chosen.reason, chosen.search), seen]
    return [Result.run_id == chosen.run_id, Result.id.in_(chosen.result_ids), seen]


def _held(session: Session, chosen: Chosen, viewer: Viewer) -> list[Held]:
    return hold(session, *_conditions(chosen, viewer))


def _sorted(rows: Iterable[Held], refused: dict[R, str]) -> tuple[list[Held], Counter[str]]:
    """The rows that may be changed, and how many may not, by the reason."""
    fit, unchanged = [], Counter[str]()
    for row in rows:
        if row.status in refused:
            unchanged[refused[row.status]] += 1
        else:
            fit.append(row)
    return fit, unchanged


def _may_go_again(
    session: Session, run: Run, rows: Sequence[Held], confirmed: bool, as_of: datetime | None
) -> tuple[list[Held], Counter[str]]:
    fit, unchanged = _sorted(
        rows,
        {
            R.READY: "ready already: it goes out while the run is running",
            R.SENDING: "on the wire right now",
            R.REMOVED: "removed: put it back first",
        },
    )
    asking = [row for row in fit if row.status in NEEDS_CONFIRMATION]
    kept = dict[int, str]()
    if confirmed and as_of:
        since = _column(session, fit, decided_since(run.definition_id, as_of))
        kept = {id: CHANGED_SINCE for id, is_decided in since if is_decided}
    elif not confirmed:
        rehearsed = dict(_column(session, asking, only_rehearsed()))
        words = "confirm that the customer may get it twice"
        kept = {row.id: f"{row.status}: {words}" for row in asking if not rehearsed[row.id]}
    unchanged.update(kept.values())
    return [row for row in fit if row.id not in kept], unchanged


def _column(session: Session, rows: Sequence[Held], column: Any) -> Iterable[tuple[int, Any]]:
    """(result id, value of this column) of each row."""
    for start in range(0, len(rows), CHUNK):
        ids = [row.id for row in rows[start : start + CHUNK]]
        yield from session.execute(select(Result.id, column).where(among(session, Result.id, ids)))


def _next_copies(session: Session, run: Run, rows: Sequence[Held]) -> None:
    """Gives the invoices of these results the copy number after the highest that is reserved."""
    highest = (
        select(func.max(Reservation.copy))
        .where(
            Reservation.definition_id == run.definition_id,
            Reservation.invoice_id == ResultInvoice.invoice_id,
        )
        .scalar_subquery()
    )
    for start in range(0, len(rows), CHUNK):
        ids = [row.id for row in rows[start : start + CHUNK]]
        session.execute(
            update(ResultInvoice)
            .where(among(session, ResultInvoice.result_id, ids), highest >= ResultInvoice.copy)
            .values(copy=highest + 1)
            .execution_options(synchronize_session=False)
        )


def _looked_at_anew(
    session: Session, rows: Sequence[Held], version: int | None, *, once_more: bool = False
) -> Iterable[tuple[Held, str]]:
    """Each row with why it cannot be sent now, or empty; invoices of collated results are taken out on the
    way."""
    at_once = LOOKED_AT[session.get_bind().dialect.name]
    for start in range(0, len(rows), at_once):
        chunk = rows[start : start + at_once]
        reasons = reasons_of(session, [row.id for row in chunk], version, once_more=once_more)
        for row in chunk:
            by_invoice = reasons[row.id]
            if len(by_invoice) > 1 and not all(by_invoice.values()):
                yield row, split_off(session, row.id, by_invoice, 0)
            else:
                yield row, next(iter(by_invoice.values()))


def _go_on(session: Session, bell: Bell, run: Run, viewer: Viewer) -> None:
    """New work: a finished run is running again, a running one is told; a created or stopped one waits for
    Start."""
    if run.status == RunStatus.FINISHED:
        lifecycle.begin(session, bell, run, viewer.name)
    elif run.status == RunStatus.RUNNING:
        lifecycle.ring(session, bell, run.id)


def _done(
    session: Session, viewer: Viewer, action: str, run: Run, rows: Sequence[Held], unchanged: Counter[str]
) -> Done:
    if rows:
        before = Counter(row.status for row in rows)
        detail = ", ".join(f"{n} {status}" for status, n in sorted(before.items()))
        if len(rows) <= MOST_NAMED:
            detail += NAMED + ", ".join(str(row.id) for row in rows)
        session.add(AuditEntry(actor=viewer.name, action=action, subject=f"run {run.id}", detail=detail))
    return Done(len(rows), dict(unchanged), tuple(row.id for row in rows[:1_000]))
