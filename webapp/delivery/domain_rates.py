"""Which mails wait because their recipient domain has had enough for now: by its rate, or because it is
slowed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from webapp.delivery.throttle import Throttle, domain_of
from webapp.messages.inputs import MessageInput
from webapp.smtp.rates import Rates
from webapp.store.mailservers import MailServer
from webapp.store.types import now


def postponed(
    works: Sequence[MessageInput], throttle: Throttle, rates: Rates, server: MailServer
) -> dict[int, datetime]:
    """Result id → when it may be claimed again, for those that may not go out now."""
    later = _slowed(works, throttle)
    per_minute = server.domain_rate_per_minute
    if not per_minute:
        return later
    over = Counter[str]()
    for work in works:
        domain = domain_of(work)
        if work.result_id in later:
            continue
        if pause := rates.pause_for_domain(server.id, domain, per_minute):
            minutes_behind = over[domain] // per_minute
            over[domain] += 1
            later[work.result_id] = now() + timedelta(seconds=pause + 60 * minutes_behind)
    return later


def _slowed(works: Sequence[MessageInput], throttle: Throttle) -> dict[int, datetime]:
    by_domain = defaultdict[str, list[int]](list)
    for work in works if throttle.domains else ():
        by_domain[domain_of(work)].append(work.result_id)
    later = {}
    for domain in throttle.domains & by_domain.keys():
        pauses = throttle.domain_pauses(domain, len(by_domain[domain]))
        for result_id, pause in zip(by_domain[domain], pauses, strict=True):
            if pause:
                later[result_id] = now() + timedelta(seconds=pause)
    return later
