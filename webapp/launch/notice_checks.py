"""What `mailrun doctor` says of notices: are they mailed, do some wait for long, and who gets none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.mailing.addresses import BadAddress, wire_address
from webapp.notices.chosen_sender import sender_of_notices
from webapp.notices.handing_over import GIVEN_UP_AFTER
from webapp.store.customers import CustomerEmail
from webapp.store.installation import Installation, held
from webapp.store.mailservers import Sender
from webapp.store.notices import MailState, Notice
from webapp.store.types import now
from webapp.store.users import User
from webapp.stored_texts import retold
from webapp.translation import _, ngettext

LONG = timedelta(minutes=30)
"""A notice that its mail server takes waits for seconds only."""
DIGEST_LATE = timedelta(hours=25)
"""The daily mail takes a notice within a day."""
GIVEN_UP_TOLD = timedelta(days=7)
USERS_TOLD_MAX = 20


def notice_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """A line for how they are mailed; others for what waits, what was given up, and users who get none."""
    with runtime.database.reading() as session:
        sender = sender_of_notices(session)
        yield _mailed(session, sender)
        if sender is not None and not held(session):
            yield from _waiting(session, now())
            yield from _given_up(session, now())
            yield from _users(session)


def _mailed(session: Session, sender: Sender | None) -> CheckResult:
    if sender is None:
        words = _("stand under the bell alone; to have them mailed, choose a sender under Settings, Notices")
        return CheckResult("notices", True, words, warns=True)
    server = sender.mail_server
    if server.trouble is not None:
        words = _(
            "their mail server %(name)s has taken none since %(time)s: %(trouble)s; correct it under "
            "Settings, Mail servers, or choose another sender under Settings, Notices",
            name=server.name,
            time=_moment(server.trouble_since or now()),
            trouble=retold(server.trouble),
        )
        return CheckResult("notices", False, words)
    try:
        wire_address(sender.address)
    except BadAddress as why:
        values = {"key": sender.key, "why": why}
        words = _("cannot be mailed by sender %(key)s: %(why)s; correct its address", **values)
        return CheckResult("notices", False, words)
    if not session.scalar(select(Installation.notice_address)):
        words = _("are mailed without links; enter the address of the pages under Settings, Notices")
        return CheckResult("notices", True, words, warns=True)
    words = _("are mailed by sender %(key)s over %(name)s", key=sender.key, name=server.name)
    return CheckResult("notices", True, words)


def _waiting(session: Session, at: datetime) -> Iterator[CheckResult]:
    """Those that no worker has tried for long, and those that no mail server took."""
    late = (Notice.mail == MailState.WAITING, Notice.next_try_at < at - LONG)
    uncollected = (Notice.mail == MailState.COLLECTED, Notice.made_at < at - DIGEST_LATE)
    for conditions in (late, uncollected):
        if n := session.scalar(select(func.count()).where(*conditions)):
            words = ngettext(
                "%(num)s was due long ago, and no worker looked; start one: mailrun worker",
                "%(num)s were due long ago, and no worker looked; start one: mailrun worker",
                n,
            )
            yield CheckResult(_("waiting notices"), False, words)
            return
    tried = (Notice.mail == MailState.WAITING, Notice.tries > 0, Notice.made_at < at - LONG)
    if n := session.scalar(select(func.count()).where(*tried, Notice.problem != "")):
        last = select(Notice).where(*tried, Notice.problem != "").order_by(Notice.made_at).limit(1)
        oldest = session.scalars(last).one()
        words = ngettext(
            "%(num)s is not taken, the oldest since %(time)s: %(why)s; it is given up at %(end)s unless you "
            "correct this, or choose another sender under Settings, Notices",
            "%(num)s are not taken, the oldest since %(time)s: %(why)s; it is given up at %(end)s unless you "
            "correct this, or choose another sender under Settings, Notices",
            n,
            time=_moment(oldest.made_at),
            why=retold(oldest.problem),
            end=_moment(oldest.made_at + GIVEN_UP_AFTER),
        )
        yield CheckResult(_("waiting notices"), False, words)


def _given_up(session: Session, at: datetime) -> Iterator[CheckResult]:
    given_up = (Notice.mail == MailState.GIVEN_UP, Notice.made_at > at - GIVEN_UP_TOLD)
    last = session.scalar(select(Notice).where(*given_up).order_by(Notice.made_at.desc()).limit(1))
    if last is None:
        return
    words = ngettext(
        "%(num)s within a week, the last one since: %(why)s; if others fail so, choose another sender under "
        "Settings, Notices",
        "%(num)s within a week, the last one since: %(why)s; if others fail so, choose another sender under "
        "Settings, Notices",
        session.scalar(select(func.count()).where(*given_up)) or 0,
        why=retold(last.problem),
    )
    yield CheckResult(_("notices given up"), True, words, warns=True)


def _users(session: Session) -> Iterator[CheckResult]:
    """Who can log in and gets no mail, the reason and the way out."""
    of_customer = exists().where(func.lower(CustomerEmail.address) == func.lower(User.email))
    query = select(User.email, of_customer).where(User.disabled_at.is_(None)).order_by(User.email)
    reasons = {email: _why_not(email, is_of_customer) for email, is_of_customer in session.execute(query)}
    unmailed = [(email, why) for email, why in reasons.items() if why]
    for email, why in unmailed[:USERS_TOLD_MAX]:
        yield CheckResult(_("notices to %(person)s", person=email), True, why, warns=True)
    if (more := len(unmailed) - USERS_TOLD_MAX) > 0:
        words = ngettext("%(num)s gets no mail either", "%(num)s get no mail either", more)
        yield CheckResult(_("notices to others"), True, words, warns=True)


def _why_not(email: str, is_of_customer: bool) -> str:
    if is_of_customer:
        return _(
            "are not mailed: a customer has this address, too, and notices tell of other customers; invite "
            "the person with an address of their own, or take it from the customer"
        )
    try:
        wire_address(email)
    except BadAddress as why:
        return _("cannot be mailed: %(why)s; invite the person with another address", why=why)
    return ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
