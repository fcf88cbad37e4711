"""What `mailrun doctor` says of mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.store.bounces import Mailbox
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import _

OVERDUE = timedelta(minutes=10)


def mailbox_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """A line for each mailbox: when it was read last, or why it cannot be."""
    with runtime.database.reading() as session:
        found = session.scalars(select(Mailbox).order_by(Mailbox.name)).all()
    if not found:
        yield CheckResult("mailboxes", True, _("there is none"))
    for mailbox in found:
        yield _check(mailbox)


def _check(mailbox: Mailbox) -> CheckResult:
    about = _("mailbox %(name)s", name=mailbox.name)
    if mailbox.trouble:
        return CheckResult(about, False, retold(mailbox.trouble))
    if mailbox.last_read_at is None:
        return CheckResult(about, True, _("not read yet"), warns=True)
    at = f"{mailbox.last_read_at:%Y-%m-%d %H:%M} UTC"
    if mailbox.last_read_at < now() - timedelta(minutes=mailbox.every_minutes) - OVERDUE:
        return CheckResult(about, False, _("was read at %(time)s, and not since: no worker looked", time=at))
    return CheckResult(about, True, _("read at %(time)s", time=at))
