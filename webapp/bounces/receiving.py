"""Stores a returned mail with what it changes: once, in one transaction, whatever is killed when."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from webapp.bounces import matching
from webapp.bounces.applying import apply
from webapp.bounces.reports import RecipientReport
from webapp.bounces.understanding import ReturnSays, understand
from webapp.store.bounces import MailKind, ReturnedMail, ReturnState
from webapp.store.database import FORMER_KEYS, SECRET_KEY
from webapp.store.dialects import insert_into
from webapp.store.types import now, storable
from webapp.translation import english

RAW_MAX = 2_000_000
"""Bytes of a returned mail that are read and kept; the rest is left out."""
RECIPIENTS_KEPT_MAX = 100
ACTED_ON = (MailKind.BOUNCE, MailKind.DELAY, MailKind.COMPLAINT)
"""What is applied once a token of ours names the mail that it is about."""
COUNTED = (MailKind.DELIVERED, MailKind.AUTO_REPLY)
"""What no person needs to see."""


@dataclass(frozen=True)
class ReceivedReturn:
    """What became of a returned mail. `is_new`: it had not been read before."""

    is_new: bool
    state: str = ""
    effect: str = ""


def receive(session: Session, mailbox_id: int | None, raw: bytes) -> ReceivedReturn:
    """Store a returned mail with what it changes, in this writing transaction; nothing if it is stored
    already. Raises NotYet; the transaction is then to be rolled back.

    1. Understand it.
    2. Store it, by the SHA-256 of its bytes. Another worker with the same mail waits here for the commit.
    3. If it has a token of ours, apply it to the result. Else guess, and leave it to a person."""
    raw = raw[:RAW_MAX]
    says = understand(raw, (session.info[SECRET_KEY], *session.info[FORMER_KEYS]))
    row = {**_row(says), "mailbox_id": mailbox_id, "read_at": now(), "size": len(raw)}
    row |= {"sha256": hashlib.sha256(raw).hexdigest(), "raw": zlib.compress(raw)}
    adding = insert_into(session, ReturnedMail).values(row).on_conflict_do_nothing(index_elements=["sha256"])
    id = session.scalar(adding.returning(ReturnedMail.id))
    if id is None:
        return ReceivedReturn(is_new=False)
    mail = session.get_one(ReturnedMail, id)
    attempt = matching.attempt_named(session, says)
    with english():
        if attempt is not None and says.kind in ACTED_ON:
            mail.state, mail.matched_by = ReturnState.MATCHED, says.matched_by
            apply(session, mail, attempt)
        elif says.kind in COUNTED:
            if attempt is not None:
                mail.result_id, mail.attempt_number = attempt.result_id, attempt.number
        else:
            found = matching.guess(session, says)
            mail.guess_result_id, mail.guess_ground = found.result_id, found.ground
            mail.guess_count = found.count
    session.flush()
    return ReceivedReturn(True, mail.state, mail.effect)


def _row(says: ReturnSays) -> dict[str, Any]:
    """The columns of what it says."""
    first = _first(says)
    return {
        "kind": says.kind,
        "sent_from": says.sent_from,
        "subject": says.subject,
        "recipient": storable(first.address)[:320],
        "code": storable(first.code)[:16],
        "reply": storable(first.reply),
        "server": storable(first.server)[:255],
        "recipients": [
            {name: storable(value) for name, value in each.as_json().items()}
            for each in says.recipients[:RECIPIENTS_KEPT_MAX]
        ],
        "state": ReturnState.COUNTED if says.kind in COUNTED else ReturnState.UNMATCHED,
    }


def _first(says: ReturnSays) -> RecipientReport:
    """The recipient that matters: the first that failed, or else was delayed."""
    wanted = says.about("failed") or says.about("delayed") or list(says.recipients)
    return wanted[0] if wanted else RecipientReport("", "", "", "", "", "")
