"""Words for results on the pages: reasons, the second line of a status, what can be done."""

from __future__ import annotations

from webapp.store.runs import Result
from webapp.store.statuses import Outcome, ResultStatus, SkipReason
from webapp.stored_texts import retold
from webapp.translation import N_, _, markup, translated

NOT_SENDABLE = {
    SkipReason.SUSPENDED: N_("the customer is suspended"),
    SkipReason.NOT_APPROVED: N_("the invoice is not approved"),
    SkipReason.NO_RECIPIENT: N_("the customer has no address with the recipient key"),
    SkipReason.NO_ATTACHMENT: N_("a document is missing"),
    SkipReason.NO_PASSWORD: N_("the customer has no password for its documents"),
    SkipReason.UNLOCKABLE: N_(
        "a PDF cannot be protected with a password: choose ZIP in the definition, "
        "or import the PDF without a signature"
    ),
    SkipReason.ALREADY_SENT: N_("already sent: confirm that the customer may receive it twice"),
    SkipReason.SUSPECT_DOCUMENT: N_("a document is suspect: let it pass if it is correct, or re-import it"),
    SkipReason.TOO_LATE: N_("the time after which the run sends nothing has passed"),
}
"""What to tell the person whose Send again or Let pass changes nothing, for each skip reason."""

MAY_SEND_AGAIN = (
    ResultStatus.SENT,
    ResultStatus.DEFERRED,
    ResultStatus.FAILED,
    ResultStatus.UNCONFIRMED,
    ResultStatus.BOUNCED,
    ResultStatus.SKIPPED,
)

NOT_REMOVED = {
    ResultStatus.SENDING: N_("being handed over right now"),
    ResultStatus.SENT: N_("already sent, so it stays in the record"),
    ResultStatus.REMOVED: N_("already removed"),
}
"""Why a result of each of these statuses cannot be removed."""

MAY_REMOVE = tuple(status for status in ResultStatus if status not in NOT_REMOVED)


STATUS_WORDS = {
    ResultStatus.READY: N_("ready"),
    ResultStatus.SENDING: N_("sending"),
    ResultStatus.SENT: N_("sent"),
    ResultStatus.DEFERRED: N_("deferred"),
    ResultStatus.FAILED: N_("failed"),
    ResultStatus.UNCONFIRMED: N_("unconfirmed"),
    ResultStatus.BOUNCED: N_("bounced"),
    ResultStatus.SKIPPED: N_("skipped"),
    ResultStatus.REMOVED: N_("removed"),
}
"""Within a sentence."""
STATUS_LABELS = (
    *(N_("Ready"), N_("Sending"), N_("Sent"), N_("Deferred"), N_("Failed"), N_("Unconfirmed")),
    *(N_("Bounced"), N_("Skipped"), N_("Removed")),
)
"""By themselves: templates say `status|capitalize|translated`."""
REASON_WORDS = {
    SkipReason.SUSPENDED: N_("suspended"),
    SkipReason.NOT_APPROVED: N_("not approved"),
    SkipReason.NO_RECIPIENT: N_("no recipient"),
    SkipReason.NO_ATTACHMENT: N_("no attachment"),
    SkipReason.ALREADY_SENT: N_("already sent"),
    SkipReason.NO_PASSWORD: N_("no password"),
    SkipReason.UNLOCKABLE: N_("unlockable"),
    SkipReason.SUSPECT_DOCUMENT: N_("suspect document"),
    SkipReason.TOO_LATE: N_("too late"),
}


def reason_words(reason: str) -> str:
    """A skip reason in words: no recipient."""
    return translated(reason.replace("_", " "))


def status_words(status: str) -> str:
    """The status of a result within a sentence."""
    return translated(str(status))


def why(result: Result) -> str:
    """The second line of the status cell: what is known beyond the status. The time of the next try is not
    part of it."""
    detail = retold(result.detail)
    said = retold(result.smtp_reply) or detail
    match result.status:
        case ResultStatus.SKIPPED:
            return reason_words(result.reason)
        case ResultStatus.UNCONFIRMED:
            return _("may have been sent: %(why)s", why=detail or said).removesuffix(": ")
        case ResultStatus.SENT:
            return retold(result.warning) or ("" if result.smtp_reply else detail)
        case ResultStatus.REMOVED:
            return _("was %(status)s", status=status_words(result.removed_from))
        case ResultStatus.BOUNCED:
            return detail or said
        case ResultStatus.DEFERRED | ResultStatus.FAILED:
            return said
    return ""


def mail_words(status: str, outcome: str = "", number: int = 0, at: str = "") -> str:
    """What the mail is that the page of a result shows: of its attempt of this number, with this outcome,
    that began then; without one, as it would be built now."""
    if not outcome:
        goes = status in (ResultStatus.READY, ResultStatus.DEFERRED)
        return _("as it will go") if goes else _("as it would go now")
    if outcome in (Outcome.BROKEN, Outcome.HELD):
        return _("as built for attempt %(number)s; its last byte was never sent", number=number)
    # The time is an element (web/formats.py).
    return markup(N_("as handed to the server at %(time)s"), {"time": at})
