"""Why mails failed, in words: servers' answers, grouped by enhanced status code (RFC 3463)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.access import Viewer, visible_to
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.translation import N_, _

WORDS = {
    "5.1.1": N_("mailbox does not exist"),
    "5.1.2": N_("domain does not exist"),
    "5.1.3": N_("address not valid"),
    "5.1.6": N_("mailbox has moved"),
    "5.1.10": N_("domain accepts no mail"),
    "5.2.1": N_("mailbox is closed"),
    "5.2.2": N_("mailbox is full"),
    "5.2.3": N_("mail too large"),
    "5.3.4": N_("mail too large"),
    "5.4.1": N_("domain cannot be reached"),
    "5.4.4": N_("domain cannot be reached"),
    "5.7.0": N_("blocked by policy"),
    "5.7.1": N_("blocked by policy"),
    "550": N_("mailbox not available"),
    "551": N_("mailbox is not there"),
    "552": N_("mail too large"),
    "553": N_("address not valid"),
    "554": N_("refused by the server"),
}
REPLY = re.compile(r"(\d{3})(?:[ -](\d\.\d{1,3}\.\d{1,3}))?\b")
NOT_MADE = N_("mail could not be made")


def why_failed(session: Session, viewer: Viewer, *which: ColumnElement[bool]) -> list[tuple[str, str, int]]:
    """(words, the server's code or empty, number) of the failed results, the most frequent first."""
    start = func.substr(Result.smtp_reply, 1, 14)
    rows = session.execute(
        select(start, func.count())
        .where(visible_to(viewer, Result), Result.status == ResultStatus.FAILED, *which)
        .group_by(start)
    )
    found = Counter[tuple[str, str]]()
    for reply, n in rows:
        found[said_of(reply)] += n
    return [(_(words), code, n) for (words, code), n in found.most_common()]


def said_of(reply: str) -> tuple[str, str]:
    """(words, code) of a server's reply: "550 5.1.1 no such user" → mailbox does not exist, 550 5.1.1. The
    words are a key of the catalogues."""
    match = REPLY.match(reply)
    if match is None:
        return NOT_MADE, ""
    basic, enhanced = match.group(1), match.group(2) or ""
    words = WORDS.get(enhanced) or WORDS.get(basic, N_("refused by the server"))
    if enhanced.startswith("5.7.") and enhanced not in WORDS:
        words = N_("blocked by policy")
    return words, f"{basic} {enhanced}".strip()


def in_a_sentence(reasons: Iterable[tuple[str, str, int]]) -> str:
    """As a list: mailbox does not exist (2), blocked by policy (1)."""
    said = [_("%(label)s (%(number)s)", number=notation.number(n), label=words) for words, code, n in reasons]
    return ", ".join(said[:3] + ([_("others")] if len(said) > 3 else [])) + "."
