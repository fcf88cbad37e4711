"""Fixes: the change of the data, and the sending of what waited for it, by the rule of Send again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.customers import addresses, checks, editing, locks
from webapp.customers.detail import subject
from webapp.edits import fingerprint
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.fixing import words
from webapp.fixing.fix_row import FixKind, FixRow
from webapp.fixing.open_results import OpenResult
from webapp.fixing.rows import rows_of
from webapp.fixing.still_held import still_held
from webapp.invoices import document_editing
from webapp.invoices.uploads import StoredUpload, Upload
from webapp.lifecycle import runs
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.results.to_fix import OpenCause
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import TransformationResult
from webapp.store.users import AuditEntry
from webapp.translation import _

Undo = dict[str, Any]
MARK_SENT, REPLACE = "sent", "replace"
"""What a button of a row does that has several."""
ASKED_FIRST = (OpenCause.BOUNCED, OpenCause.UNCONFIRMED)
"""A customer may have these mails: they go out again only after a question."""


@dataclass(frozen=True)
class FilledRow:
    """A row that a person filled in: a text or a file, or the button that was pressed (`action`). `seen` is
    what the form showed; `kept` the file once it is in the store."""

    row: FixRow
    value: str = ""
    upload: Upload | None = None
    seen: str = ""
    action: str = ""
    kept: StoredUpload | None = None

    @property
    def changes_data(self) -> bool:
        """Whether it changes more than results."""
        if self.row.kind == FixKind.ADDRESS:
            return self.value != self.row.value
        return self.row.kind in (FixKind.PASSWORD, FixKind.FILE, FixKind.RELEASE)

    @property
    def sends(self) -> list[OpenResult]:
        """The results that may go out by it."""
        return [] if self.action == MARK_SENT else self.row.ours

    @property
    def asks(self) -> bool:
        """Whether a question comes first. A file is kept before it, since a question cannot carry it."""
        if self.upload is not None or not self.sends:
            return False
        released = self.row.kind == FixKind.RELEASE
        return released or self.row.cause in ASKED_FIRST or any(each.goes_out for each in self.sends)


@dataclass(frozen=True)
class Answer:
    """What a person said to the question: whether mails go out at once, and what they had been told: when the
    results last changed, and by run how many customers may get a mail twice."""

    send: bool = False
    as_of: datetime | None = None
    twice: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Fixed:
    """What came of a row. `undo`: what Undo needs to know, empty if it cannot be undone. `freed`: the results
    that may go out by it, their ids with hyphens between."""

    row: FixRow
    words: str
    undo: Undo = field(default_factory=dict)
    waiting: int = 0
    freed: str = ""


def check(filled: FilledRow) -> None:
    """Raise Refused for a text that cannot be saved, before anything is asked."""
    if filled.row.kind == FixKind.ADDRESS:
        checks.address(filled.value)


def save(
    session: Session, runtime: Runtime, viewer: Viewer, given: Sequence[FilledRow], answer: Answer
) -> list[Fixed]:
    """Apply the fixes, then send what waited for them.

    1. The customers are locked, and the rows read again: what another person has fixed meanwhile is refused.
    2. The data change, by the same verbs as on the pages of customers and invoices.
    3. The results of created and stopped runs become ready. Those of running and finished runs, which go out
    at once, and what customers may have already, do so only if the person said yes.

    Raises Refused and NotFound."""
    by_customer = sorted(given, key=lambda one: one.row.customer.id)
    for customer_id in dict.fromkeys(one.row.customer.id for one in by_customer):
        locks.customer(session, viewer, customer_id)
    current = [_current(session, viewer, one) for one in by_customer]
    undos = [_change(session, runtime, viewer, one) for one in current]
    session.flush()
    for run_id in sorted({result.run_id for one in current for result in one.row.ours}):
        runs.lock_for_change(session, run_id, viewer)
    return [
        _send(session, runtime, viewer, one, answer, undo) for one, undo in zip(current, undos, strict=True)
    ]


def _current(session: Session, viewer: Viewer, filled: FilledRow) -> FilledRow:
    """The same with the row as it is now. Raises Refused if it is there no longer."""
    customer = filled.row.customer
    rows = rows_of(session, viewer, filled.row.cause, [customer.id])
    row = next((each for each in rows if each.token == filled.row.token), None)
    if row is None:
        who = session.scalar(
            select(AuditEntry.actor)
            .where(AuditEntry.subject == subject(customer))
            .order_by(AuditEntry.id.desc())
            .limit(1)
        )
        if not who:
            raise Refused(
                _(
                    "%(customer)s: this was changed while you had it open. Nothing of yours is saved yet: "
                    "reload the page and compare.",
                    customer=customer.name,
                )
            )
        raise Refused(
            _(
                "%(customer)s: this was changed by %(name)s while you had it open. Nothing of yours is saved "
                "yet: reload the page and compare.",
                customer=customer.name,
                name=who,
            )
        )
    return replace(filled, row=row)


def _change(session: Session, runtime: Runtime, viewer: Viewer, filled: FilledRow) -> Undo:
    """Change the data; returns what Undo needs."""
    row, customer = filled.row, filled.row.customer
    if filled.kept is not None:
        return _put_document(session, runtime, viewer, filled, filled.kept)
    match row.kind:
        case FixKind.ADDRESS if filled.changes_data:
            return _put_address(session, viewer, filled)
        case FixKind.PASSWORD:
            key = row.results[0].content["password_key"]
            editing.set_field(session, viewer, customer.id, key, filled.value, None)
            after = editing.field_values(session, customer, key, is_secret=True)
            return {"made": key, "seen": fingerprint(after)}
        case FixKind.RELEASE:
            document_editing.release(session, viewer, row.invoice_id, row.subject[0], filled.seen)
    return {}


def _put_address(session: Session, viewer: Viewer, filled: FilledRow) -> Undo:
    row = filled.row
    key_id, address_id = row.subject
    if not address_id:
        made = addresses.add_address(session, viewer, row.customer.id, key_id, filled.value, "")
    else:
        kept = session.get_one(CustomerEmail, address_id).display_name
        made = addresses.change_address(session, viewer, address_id, filled.value, kept, filled.seen)
    stored = select(CustomerEmail).where(
        CustomerEmail.customer_id == row.customer.id, CustomerEmail.recipient_key_id == key_id
    )
    after = fingerprint(addresses.address_values(list(session.scalars(stored))))
    return {"made": str(made.id), "seen": after, "old": row.value}


def _put_document(
    session: Session, runtime: Runtime, viewer: Viewer, filled: FilledRow, kept: StoredUpload
) -> Undo:
    row, old = filled.row, None
    if row.value:
        old = document_editing.state_of(session.get_one(TransformationResult, int(row.value)))
        made = document_editing.replace(
            session, runtime, viewer, row.invoice_id, int(row.value), kept, filled.seen
        )
    else:
        made = document_editing.add(session, runtime, viewer, row.invoice_id, row.subject[1], kept)
    undo: Undo = {"made": str(made.id), "seen": document_editing.seen_beside(session, made)}
    return {**undo, "old": old} if old else undo


def _send(
    session: Session,
    runtime: Runtime,
    viewer: Viewer,
    filled: FilledRow,
    answer: Answer,
    undo: Undo,
) -> Fixed:
    """Send what waited for this row, as far as the person said so."""
    row = filled.row
    if filled.action == MARK_SENT:
        return _mark_sent(session, viewer, row, answer)
    by_run: dict[int, list[OpenResult]] = defaultdict(list)
    left, others = list[int](), 0
    for result in filled.sends:
        held_back = result.goes_out or row.cause in ASKED_FIRST
        if result.goes_out and not viewer.may_send:
            others += 1
        elif answer.send or not held_back:
            by_run[result.run_id].append(result)
        else:
            left.append(result.id)
    unchanged, sent, freed = Counter[str](), Counter[str](), list[int]()
    for run_id, results in sorted(by_run.items()):
        selection = BulkSelection(
            run_id,
            tuple(result.id for result in results),
            as_of=answer.as_of,
            may_come_twice=answer.twice.get(run_id),
        )
        confirmed = row.cause in ASKED_FIRST and answer.as_of is not None
        how = {"confirmed": confirmed, "todays_version": bool(row.unmade_by)}
        outcome = resend.send_again(session, runtime.queue, selection, viewer, **how)
        unchanged.update(outcome.unchanged)
        freed += outcome.ids
        then = "going" if results[0].goes_out else "ready"
        sent["to_approve" if outcome.awaits_approval else then] += outcome.changed
    held = still_held(session, left, once_more=row.cause in ASKED_FIRST)
    sent["unchecked" if filled.kept else "waiting"] = waiting = len(left) - held.total()
    unchanged.update(held)
    if others:
        unchanged[words.NEEDS_THE_RIGHT] = others
    said = words.outcome(sent, unchanged, saved=filled.changes_data)
    ids = "-".join(map(str, freed))
    return Fixed(row, said, {**undo, "ids": ids} if undo else {}, waiting, ids)


def _mark_sent(session: Session, viewer: Viewer, row: FixRow, answer: Answer) -> Fixed:
    for result in row.ours:
        selection = BulkSelection(result.run_id, (result.id,), as_of=answer.as_of)
        outcome = actions.confirm_sent(session, selection, viewer)
        if not outcome.changed:
            raise Refused(_("This has changed meanwhile: reload the page and look again."))
    return Fixed(row, _("Marked as sent."))
