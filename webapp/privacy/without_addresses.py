"""Records of mails without the people in them: what was said to whom is gone; that it was, and how it ended,
stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.bounces import keeping
from webapp.store.bounces import ReturnedMail
from webapp.store.prepared import BulkUpdate
from webapp.store.runs import Attempt, Result

HIDDEN = "…"
ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;]+")
"""What looks like an address in the words of a mail server."""

_ATTEMPTS = BulkUpdate(Attempt, ("recipients", "bcc", "refused", "transcript", "reply", "detail"))
_RESULTS = BulkUpdate(Result, ("recipients", "search_text", "smtp_reply", "detail", "warning"))


def hide_addresses(text: str) -> str:
    """The text with … in the place of each address."""
    return ADDRESS.sub(HIDDEN, text)


def clear_attempts(session: Session, *which: ColumnElement[bool]) -> int:
    """Clear transcripts, recipients, Bcc and refusals of these attempts, and what came back of their mails;
    returns how many there are. SHA-256, size, times and reply stay, without addresses."""
    rows = session.execute(select(Attempt.id, Attempt.reply, Attempt.detail).where(*which)).all()
    changed = [
        {
            "by_id": row.id,
            "recipients": [],
            "bcc": [],
            "refused": {},
            "transcript": [],
            "reply": hide_addresses(row.reply),
            "detail": hide_addresses(row.detail),
        }
        for row in rows
    ]
    if changed:
        _ATTEMPTS.run(session.connection(), changed)
        keeping.clear(session, ReturnedMail.result_id.in_(select(Attempt.result_id).where(*which)))
    return len(changed)


def clear_results(session: Session, *which: ColumnElement[bool]) -> int:
    """Clear where these results went; returns how many there are. The recipients become an empty list: none
    at all means that it has not gone out yet."""
    columns = (Result.recipients, Result.search_text, Result.smtp_reply, Result.detail, Result.warning)
    rows = session.execute(select(Result.id, *columns).where(*which)).all()
    changed: list[dict[str, Any]] = [
        {
            "by_id": row.id,
            "recipients": None if row.recipients is None else [],
            "search_text": _without(row.search_text.split(" ")),
            **{name: hide_addresses(getattr(row, name)) for name in ("smtp_reply", "detail", "warning")},
        }
        for row in rows
    ]
    if changed:
        _RESULTS.run(session.connection(), changed)
    return len(changed)


def _without(words: Iterable[str]) -> str:
    return " ".join(word for word in words if "@" not in word)


def hide_file_names(documents: str) -> str:
    """What a reservation says of the documents of a mail (webapp/since_mailed.py), without their names: they
    may have the customer's."""
    return CARRIED.sub(rf"\1{HIDDEN}", documents)


CARRIED = re.compile(r"(\n\d+:[0-9a-f]{64}:)[^\n]*")
