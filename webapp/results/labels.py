"""Words for results on the pages: reasons, the second line of a status, what can be done."""

from __future__ import annotations

from markupsafe import Markup

from webapp.store.runs import Result
from webapp.store.statuses import Outcome, ResultStatus, SkipReason

NOT_SENDABLE = {
    SkipReason.SUSPENDED: "the customer is suspended",
    SkipReason.NOT_APPROVED: "the invoice is not approved",
    SkipReason.NO_RECIPIENT: "the customer has no address with the recipient key",
    SkipReason.NO_ATTACHMENT: "a document is missing",
    SkipReason.NO_PASSWORD: "the customer has no password for its documents",
    SkipReason.UNLOCKABLE: "a PDF cannot be protected with a password: choose ZIP in the definition, "
    "or import the PDF without a signature",
    SkipReason.ALREADY_SENT: "already sent: confirm that the customer may receive it twice",
    SkipReason.SUSPECT_DOCUMENT: "a document is suspect: let it pass if it is correct, or re-import it",
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
    ResultStatus.SENDING: "being handed over right now",
    ResultStatus.SENT: "already sent, so it stays in the record",
    ResultStatus.REMOVED: "already removed",
}
"""Why a result of each of these statuses cannot be removed."""

MAY_REMOVE = tuple(status for status in ResultStatus if status not in NOT_REMOVED)


def reason_words(reason: str) -> str:
    """A skip reason in words: no recipient."""
    return reason.replace("_", " ")


def why(result: Result) -> str:
    """The second line of the status cell: what is known beyond the status. The time of the next try is not
    part of it."""
    said = result.smtp_reply or result.detail
    match result.status:
        case ResultStatus.SKIPPED:
            return reason_words(result.reason)
        case ResultStatus.UNCONFIRMED:
            return f"may have been sent: {result.detail or said}".removesuffix(": ")
        case ResultStatus.SENT:
            return result.warning or ("" if result.smtp_reply else result.detail)
        case ResultStatus.REMOVED:
            return f"was {result.removed_from}"
        case ResultStatus.BOUNCED:
            return result.detail or said
        case ResultStatus.DEFERRED | ResultStatus.FAILED:
            return said
    return ""


def mail_words(status: str, outcome: str = "", number: int = 0, at: str = "") -> str:
    """What the mail is that the page of a result shows: of its attempt of this number, with this outcome,
    that began then; without one, as it would be built now."""
    if not outcome:
        goes = status in (ResultStatus.READY, ResultStatus.DEFERRED)
        return "as it will go" if goes else "as it would go now"
    if outcome in (Outcome.BROKEN, Outcome.HELD):
        return f"as built for attempt {number}; its last byte was never sent"
    return Markup("as handed to the server at {}").format(at)  # the time is an element (web/formats.py)
