"""What a notice says: its title, the lines below it, and where it leads; in the language of the person who
reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from webapp import notation
from webapp.store.notices import Notice, NoticeKind
from webapp.store.plans import OccurrenceState
from webapp.store.statuses import Decision
from webapp.store.types import instant, with_cents
from webapp.stored_texts import retold
from webapp.translation import N_, _, all_of, capital, ngettext

KIND_WORDS = {
    NoticeKind.RUN_FINISHED: N_("A run has finished"),
    NoticeKind.RUN_STOPPED: N_("A run has stopped itself"),
    NoticeKind.RUN_WAITS: N_("A run waits for its mail server"),
    NoticeKind.APPROVAL_WANTED: N_("A run waits for your approval"),
    NoticeKind.APPROVAL_DECIDED: N_("Your request for approval was decided"),
    NoticeKind.PLAN_HELD: N_("A plan of yours needs you"),
    NoticeKind.CONNECTION: N_("A mailbox or a token is in trouble"),
}
"""The kinds that a user chooses of, in the order of the page."""


@dataclass(frozen=True)
class NoticeWords:
    """`href` is the page that it leads to, empty for none; `link` says what is there."""

    title: str
    lines: tuple[str, ...] = ()
    href: str = ""
    link: str = ""


def words_of(notice: Notice) -> NoticeWords:
    """What this notice says."""
    details = {"run": "", "plan": "", **notice.details}
    return _WORDS[NoticeKind(notice.kind)](notice, details)


Details = Mapping[str, Any]


def _finished(notice: Notice, details: Details) -> NoticeWords:
    lines = [_counted(details)]
    if details["to_fix"]:
        lines.append(ngettext("%(num)s mail needs a fix.", "%(num)s mails need a fix.", details["to_fix"]))
        where, link = f"/fix?run={notice.run_id}", _("Fix these")
    else:
        where, link = f"/runs/{notice.run_id}", _("Look at the run")
    return NoticeWords(_("“%(run)s” has finished", run=details["run"]), tuple(lines), where, link)


def _counted(details: Details) -> str:
    """9,812 mails were sent, 3 failed and 2 were skipped."""
    sent = ngettext("%(num)s mail was sent", "%(num)s mails were sent", details["sent"])
    others = {
        "failed": ngettext("%(num)s failed", "%(num)s failed", details["failed"]),
        "bounced": ngettext("%(num)s bounced", "%(num)s bounced", details["bounced"]),
        "unconfirmed": ngettext("%(num)s is unconfirmed", "%(num)s are unconfirmed", details["unconfirmed"]),
        "skipped": ngettext("%(num)s was skipped", "%(num)s were skipped", details["skipped"]),
    }
    *first, last = [sent, *(said for status, said in others.items() if details[status])]
    return all_of([", ".join(first), last] if first else [last]) + "."


def _stopped(notice: Notice, details: Details) -> NoticeWords:
    title = _("“%(run)s” does not go on by itself", run=details["run"])
    return NoticeWords(title, (retold(details["why"]),), f"/runs/{notice.run_id}", _("Look at the run"))


def _waits(notice: Notice, details: Details) -> NoticeWords:
    title = _("“%(run)s” waits for its mail server", run=details["run"])
    why = _(
        "Mail server “%(name)s” (%(host)s) has been in trouble since %(time)s: %(trouble)s.",
        name=details["name"],
        host=details["host"],
        time=_moment(details["since"]),
        trouble=retold(details["trouble"] or ""),
    )
    goes_on = _("No mail is lost: Mailrun tries again, and the run goes on by itself.")
    return NoticeWords(title, (why, goes_on), f"/runs/{notice.run_id}", _("Look at the run"))


def _approval_wanted(notice: Notice, details: Details) -> NoticeWords:
    mails = ngettext("%(num)s mail", "%(num)s mails", details["mails"])
    sums = [
        notation.money(with_cents(Decimal(amount)), currency)
        for currency, amount in sorted(details["sums"].items())
    ]
    what = ", ".join([mails, *sums])
    asked = _("%(person)s asks you to approve it: %(mails)s.", person=details["by"], mails=what)
    title = _("“%(run)s” waits for your approval", run=details["run"])
    return NoticeWords(title, (asked,), f"/runs/{notice.run_id}/approval", _("Look at it"))


def _approval_decided(notice: Notice, details: Details) -> NoticeWords:
    about = {"run": details["run"], "person": details["by"]}
    if details["decision"] == Decision.APPROVED:
        title, then = _("“%(run)s” was approved by %(person)s", **about), _("Its mails may go out.")
    else:
        title, then = _("“%(run)s” was rejected by %(person)s", **about), _("Nothing of it was sent.")
    said = (_("“%(words)s”", words=details["reason"]),) if details["reason"] else ()
    return NoticeWords(title, (*said, then), f"/runs/{notice.run_id}", _("Look at the run"))


def _plan_held(notice: Notice, details: Details) -> NoticeWords:
    title = _PLAN_TITLES.get(details["state"], N_("Plan “%(plan)s” needs you"))
    lines = tuple(retold(words) for words in details["why"])
    words = NoticeWords(_(title, plan=details["plan"]), lines)
    if notice.run_id:
        return replace(words, href=f"/runs/{notice.run_id}", link=_("Look at the run"))
    if notice.plan_id:
        return replace(words, href=f"/plans/{notice.plan_id}", link=_("Look at the plan"))
    return words


_PLAN_TITLES = {
    OccurrenceState.HELD: N_("Plan “%(plan)s” is held"),
    OccurrenceState.UNEXPECTED: N_("The run of plan “%(plan)s” is not as expected"),
    OccurrenceState.WAITING: N_("The run of plan “%(plan)s” waits for you"),
    OccurrenceState.SKIPPED: N_("Plan “%(plan)s” missed a date"),
    "paused": N_("Plan “%(plan)s” is paused"),
}


def _connection(notice: Notice, details: Details) -> NoticeWords:
    titles = {
        "mailbox": N_("Mailbox “%(name)s” is in trouble"),
        "token": N_("The token of “%(name)s” is in trouble"),
    }
    title = _(titles.get(details["what"], N_("“%(name)s” is in trouble")), name=details["name"])
    link = _("Put it right") if details["address"] else ""
    return NoticeWords(
        title, (f"{capital(retold(details['words'])).rstrip('.')}.",), details["address"], link
    )


def _not_mailed(notice: Notice, details: Details) -> NoticeWords:
    title = _("Notices could not be mailed")
    why = _("For a day each try failed, the last one so: %(why)s", why=retold(details["why"]))
    return NoticeWords(title, (why,), "/settings/notices", _("Look at the settings"))


_WORDS = {
    NoticeKind.RUN_FINISHED: _finished,
    NoticeKind.RUN_STOPPED: _stopped,
    NoticeKind.RUN_WAITS: _waits,
    NoticeKind.APPROVAL_WANTED: _approval_wanted,
    NoticeKind.APPROVAL_DECIDED: _approval_decided,
    NoticeKind.PLAN_HELD: _plan_held,
    NoticeKind.CONNECTION: _connection,
    NoticeKind.NOT_MAILED: _not_mailed,
}


def _moment(text: str) -> str:
    """24 Nov 16:40, in the reader's time zone."""
    at: datetime = notation.local(instant(text))
    return f"{notation.day(at)} {at:%H:%M}"
