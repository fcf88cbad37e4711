"""Why mails that a fix was for still cannot go out: the fix was not enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from webapp.results.labels import NOT_SENDABLE
from webapp.selection.recheck import recheck
from webapp.store.statuses import SkipReason


def still_held(session: Session, result_ids: Sequence[int], *, once_more: bool) -> Counter[str]:
    """How many of these results cannot be sent for each reason, in words to be translated. `once_more`: that
    a mail was sent before is none. Of a collated mail the invoices that can be sent are enough."""
    found = recheck(session, result_ids, once_more=once_more)
    whys = (next(iter(reasons)) for reasons in map(dict.values, found.values()) if all(reasons))
    return Counter(NOT_SENDABLE[SkipReason(why)] for why in whys)
