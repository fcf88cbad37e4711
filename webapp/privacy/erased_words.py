"""Hide the words by which an erased customer can be told in what others wrote: the audit trail, reports of
imports, names of runs, replies of mail servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp import audit_chain
from webapp.privacy.identifying import Identifying
from webapp.store.approvals import RunApproval
from webapp.store.dialects import id_in
from webapp.store.mailservers import MailPace, MailServer
from webapp.store.notices import Notice
from webapp.store.runs import Run
from webapp.store.users import AuditEntry, ImportSet

ERASED = "erased"
"""What an entry of the audit trail says that was about the customer."""
TEXTS: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (Run, ("name", "problem")),
    (RunApproval, ("reason",)),
    (MailServer, ("trouble", "greylisted_as")),
    (MailPace, ("reply",)),
)
"""Tables in which someone, or a mail server, may have named the customer."""
NOTICE_TEXTS = ("run", "plan", "name", "why", "trouble", "reason", "words")
"""What notices have as texts (notices/words.py); all else are numbers and words of ours."""
SUBJECTS_AT_ONCE = 500


def hide(session: Session, words: Identifying, code: str, numbers: Sequence[str]) -> None:
    """Hide these words everywhere; `numbers`: of the customer's invoices."""
    _in_texts(session, words)
    _in_imports(session, words)
    _in_notices(session, words)
    _in_audit(session, words, code, numbers)
    session.flush()


def _in_texts(session: Session, words: Identifying) -> None:
    for table, names in TEXTS:
        of_these = or_(*(words.found_in(getattr(table, name)) for name in names))
        for row in session.scalars(select(table).where(of_these)):
            for name in names:
                text = getattr(row, name)
                setattr(row, name, words.hide(text) if text else text)


def _in_imports(session: Session, words: Identifying) -> None:
    """What the checks of uploads found. JSON may have letters escaped, so all are read; there are few."""
    for row in session.scalars(select(ImportSet).execution_options(yield_per=100)):
        for name in ("source", "files", "documents", "summary", "problem"):
            before = getattr(row, name)
            after = words.hide_in(before)
            if after != before:
                setattr(row, name, after)


def _in_notices(session: Session, words: Identifying) -> None:
    """What users were told of runs: their names, and what a mail server said. As JSON, like the above."""
    for row in session.scalars(select(Notice).execution_options(yield_per=100)):
        hidden = {name: words.hide_in(row.details[name]) for name in NOTICE_TEXTS if name in row.details}
        if (after := {**row.details, **hidden}) != row.details:
            row.details = after
        row.problem = words.hide(row.problem) if row.problem else row.problem


def _in_audit(session: Session, words: Identifying, code: str, numbers: Sequence[str]) -> None:
    """Of entries about the customer and its invoices the whole detail goes; of others only the words. Entries
    about other customers and invoices stay: what looks alike there is theirs."""
    entry = AuditEntry
    audit_chain.erase_details(session, ERASED, entry.subject == f"customer {code}"[:200], entry.detail != "")
    subjects = [f"invoice {number}"[:200] for number in numbers]
    for at in range(0, len(subjects), SUBJECTS_AT_ONCE):
        of_invoices = entry.subject.in_(subjects[at : at + SUBJECTS_AT_ONCE])
        audit_chain.erase_details(session, ERASED, of_invoices, entry.detail != "")
    is_of_others = or_(entry.subject.startswith("customer "), entry.subject.startswith("invoice "))
    rows = session.execute(select(entry.id, entry.detail).where(words.found_in(entry.detail), ~is_of_others))
    by_detail: dict[str, list[int]] = {}
    for id, detail in rows:
        if (after := words.hide(detail)) != detail:
            by_detail.setdefault(after, []).append(id)
    for after, ids in by_detail.items():
        audit_chain.erase_details(session, after, id_in(session, entry.id, ids))
