"""Undo: what a person has just saved is taken back, and the mails that it freed are held back again."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.customers import addresses, editing
from webapp.errors import Refused
from webapp.invoices import document_editing
from webapp.lifecycle import runs
from webapp.lifecycle.results import RELEASE_CLAIM, LockedResult, lock_results, transition
from webapp.results.bulk import audit_and_report
from webapp.results.splitting import recheck_all
from webapp.results.to_fix import OpenCause
from webapp.store.runs import Attempt, Result
from webapp.store.statuses import ResultStatus
from webapp.translation import N_, _, ngettext


@dataclass(frozen=True)
class TakenBack:
    """What is taken back of a row: the address, field or document that was `made`, the address that was there
    before (`old`) or what the document was (`state`), and the results that were freed. `seen` is what was
    stored when it was saved."""

    cause: OpenCause
    customer_id: int
    made: str
    old: str
    seen: str
    result_ids: tuple[int, ...]
    state: list[Any] | None = None


NOT_UNDONE = N_("This cannot be undone. Change it on the customer’s page.")
OF_DOCUMENTS = (OpenCause.NO_ATTACHMENT, OpenCause.SUSPECT_DOCUMENT, OpenCause.UNLOCKABLE)


def taken_back(form: Mapping[str, str], opened: Callable[[str], list[Any]]) -> TakenBack:
    """Read it from the form whose Undo was pressed; `opened` reads what was signed. Raises Refused for one
    that says something else."""
    token = form.get("undo", "")
    made, old, seen, ids = (form.get(f"undo-{name}-{token}", "") for name in ("made", "old", "seen", "ids"))
    parts = token.split(".")
    try:
        cause, customer_id = OpenCause(parts[0]), _id(parts[1])
        result_ids = tuple(_id(id) for id in ids.split("-") if ids)
    except (ValueError, IndexError):
        raise Refused(_(NOT_UNDONE)) from None
    state = opened(old) if old and cause in OF_DOCUMENTS else None
    return TakenBack(cause, customer_id, made, old, seen, result_ids, state)


ID = re.compile(r"[0-9]{1,18}")


def _id(text: str) -> int:
    if not ID.fullmatch(text):
        raise ValueError
    return int(text)


def undo(session: Session, viewer: Viewer, what: TakenBack) -> str:
    """Take it back; returns the words to show. Raises Refused and NotFound."""
    match what.cause:
        case OpenCause.NO_PASSWORD:
            editing.set_field(session, viewer, what.customer_id, what.made, "", what.seen)
        case _ if not ID.fullmatch(what.made):
            raise Refused(_(NOT_UNDONE))
        case OpenCause.NO_RECIPIENT:
            addresses.remove_address(session, viewer, int(what.made), what.seen)
        case OpenCause.BAD_ADDRESS:
            addresses.change_address(session, viewer, int(what.made), what.old, "", what.seen)
        case OpenCause.NO_ATTACHMENT:
            document_editing.take_out(session, viewer, int(what.made), what.seen)
        case OpenCause.SUSPECT_DOCUMENT | OpenCause.UNLOCKABLE if what.state:
            document_editing.restore(session, viewer, int(what.made), what.state, what.seen)
        case _:
            raise Refused(_("This cannot be undone. Change it on the page of the invoice."))
    session.flush()
    held_back = _hold_back(session, viewer, what)
    gone = len(what.result_ids) - held_back
    said = [_("Undone.")]
    if held_back:
        said.append(
            ngettext("%(num)s mail is held back again.", "%(num)s mails are held back again.", held_back)
        )
    if gone:
        said.append(
            ngettext(
                "%(num)s mail went out already, or is on the way.",
                "%(num)s mails went out already, or are on the way.",
                gone,
            )
        )
    return " ".join(said)


def _hold_back(session: Session, viewer: Viewer, what: TakenBack) -> int:
    """Put the results back that have not gone out; returns their number."""
    by_run: dict[int, list[int]] = defaultdict(list)
    rows = session.execute(
        select(Result.run_id, Result.id).where(Result.id.in_(what.result_ids), visible_to(viewer, Result))
    )
    for run_id, result_id in rows:
        by_run[run_id].append(result_id)
    n = 0
    for run_id, ids in sorted(by_run.items()):
        run = runs.lock_for_change(session, run_id, viewer)
        locked = lock_results(session, Result.id.in_(ids), Result.status == ResultStatus.READY)
        if what.cause == OpenCause.BAD_ADDRESS:
            changed = _fail_again(session, viewer, run_id, locked)
        else:
            changed = _skip_again(session, run_id, locked)
        runs.finish_if_done(session, run_id)
        n += len(changed)
        audit_and_report(session, viewer, "undo", run, changed, Counter())
    return n


def _skip_again(session: Session, run_id: int, locked: list[LockedResult]) -> list[LockedResult]:
    changed = []
    for row, reason in recheck_all(session, locked, None):
        if reason:
            transition(
                session, run_id, [row], ResultStatus.SKIPPED, reason=reason, values=dict(RELEASE_CLAIM)
            )
            changed.append(row)
    return changed


def _fail_again(
    session: Session, viewer: Viewer, run_id: int, locked: list[LockedResult]
) -> list[LockedResult]:
    """The results as they were, with the reply of their last attempt."""
    for row in locked:
        reply = session.scalar(
            select(Attempt.reply).where(Attempt.result_id == row.id).order_by(Attempt.id.desc()).limit(1)
        )
        detail = N_("held back by %(name)s") % {"name": viewer.name}
        values = {**RELEASE_CLAIM, "smtp_reply": reply or "", "detail": detail}
        transition(session, run_id, [row], ResultStatus.FAILED, values=values)
    return locked
