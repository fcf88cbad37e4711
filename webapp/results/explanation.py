"""What the status of a result means, and what a person can do about it: the words above its mail."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.results.fixes import could_not_be_made
from webapp.results.labels import why
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason
from webapp.stored_texts import retold
from webapp.translation import N_, _, translated

WAITING: dict[str, str] = {
    RunStatus.RUNNING: N_("A worker sends it in its turn."),
    RunStatus.STOPPED: N_("The run is stopped. It goes out once the run is started again."),
    RunStatus.CREATED: N_("Nothing goes out until the run is started."),
}
"""What a ready result waits for, by the status of its run."""

BY_STATUS: dict[str, tuple[str, str]] = {
    ResultStatus.SENDING: (
        N_("It is being handed over."),
        N_("The mail server is receiving it now. It cannot be removed from the run at this moment."),
    ),
    ResultStatus.SENT: (
        N_("The mail server accepted this mail."),
        N_("Delivery is not confirmed. If it came back, mark it as bounced."),
    ),
    ResultStatus.DEFERRED: (
        N_("The mail server refused it for now."),
        N_("Mailrun tries it again by itself while the run is running. Send again tries it now."),
    ),
    ResultStatus.FAILED: (N_("This mail was not sent."), N_("Fix the cause, then send again.")),
    ResultStatus.UNCONFIRMED: (
        N_("This mail may have been sent."),
        N_(
            "The mail server had the whole mail, and the connection or the worker was lost before it said "
            "yes or no. Mailrun will not send it again by itself, because the customer could receive it "
            "twice. Mark it as sent if it arrived."
        ),
    ),
    ResultStatus.BOUNCED: (N_("This mail came back."), N_("Fix the address, then send again.")),
    ResultStatus.SKIPPED: (N_("This mail cannot be sent."), N_("Fix the data, then try again.")),
    ResultStatus.REMOVED: (
        N_("Removed from the run."),
        N_("This run will not send it. It is kept for the record and can be put back."),
    ),
}

HELD = (
    N_("This mail is held: it may carry another customer’s document."),
    N_(
        "Look at the attachments. Let them pass if they are right; if not, import the right document, then "
        "send again."
    ),
)
UNLOCKABLE = (
    N_("This mail cannot be protected: a PDF is signed, restricted or encrypted already."),
    N_(
        "Choose ZIP in the definition and send again with today’s version, or import the PDF without a "
        "signature or restriction."
    ),
)
RELEASABLE = (
    N_("This mail was held; its documents are right now."),
    N_("Send again checks them once more and sends it."),
)
SENDABLE_NOW = (
    N_("This mail was skipped; it can be sent now."),
    N_("Send again checks its data once more and sends it."),
)
REHEARSED = (
    N_("The mail went to the redirect address."),
    N_("No customer has received it. Send again sends it without asking."),
)
REDIRECTED = (
    N_("The mail went to the redirect address."),
    N_("An earlier one went to the customer, or may have. Send again asks first."),
)
NOT_MADE = (
    N_("This mail could not be made."),
    N_("Fix the definition or its template, then send it with today’s version."),
)
MARKED_AS_SENT = (
    N_("A person marked this mail as sent."),
    N_("The mail server’s answer is not known. If it came back, mark it as bounced."),
)


@dataclass(frozen=True)
class Explanation:
    """`reasons` are what is known beyond the status: the server's reply, the skip reason."""

    heading: str
    advice: str
    reasons: list[str]


@dataclass(frozen=True)
class Today:
    """What is so today, whatever the status says: `has_suspects`: a document of the result is suspect;
    `only_rehearsed`: no mail of its invoice has gone to a customer; `can_be_sent`: no skip reason applies."""

    has_suspects: bool = False
    only_rehearsed: bool = False
    can_be_sent: bool = False


def explain(result: Result, run_status: str, today: Today) -> Explanation:
    """What to tell of this result."""
    heading, advice = _headline(result, run_status, today)
    reasons = _reasons(result, today.has_suspects)
    if (heading, advice) == SENDABLE_NOW:
        reasons = [_("skipped then: %(reason)s", reason=reason) for reason in reasons[:1]] + reasons[1:]
    return Explanation(_(heading), translated(advice), reasons)


def offers_todays_version(status: str, *, changed_since: bool) -> bool:
    """Whether Send again may use the definition as it is today: it differs from the run's (`changed_since`),
    and no mail of this result is out that would say something else."""
    return changed_since and status in (ResultStatus.DEFERRED, ResultStatus.FAILED, ResultStatus.SKIPPED)


def _headline(result: Result, run_status: str, today: Today) -> tuple[str, str]:
    """The heading and the advice, not yet translated: the first case that applies."""
    status = ResultStatus(result.status)
    if status == ResultStatus.READY:
        return N_("It will be sent."), WAITING.get(run_status, "")
    if status == ResultStatus.SKIPPED and result.reason == SkipReason.SUSPECT_DOCUMENT:
        return HELD if today.has_suspects else RELEASABLE
    if status == ResultStatus.SKIPPED and today.can_be_sent:
        return SENDABLE_NOW
    if status == ResultStatus.SKIPPED and result.reason == SkipReason.UNLOCKABLE:
        return UNLOCKABLE
    if status == ResultStatus.FAILED and could_not_be_made(result.smtp_reply, result.detail):
        return NOT_MADE
    if status == ResultStatus.SENT and result.redirected:
        return REHEARSED if today.only_rehearsed else REDIRECTED
    if status == ResultStatus.SENT and not result.smtp_reply:
        return MARKED_AS_SENT
    return BY_STATUS[status]


def _reasons(result: Result, has_suspects: bool) -> list[str]:
    """What is known beyond the status, nothing twice. Suspect documents are told one by one instead."""
    detail = retold(result.detail)
    reason = detail if result.status == ResultStatus.UNCONFIRMED else why(result)
    told = [] if has_suspects else [reason]
    if detail not in reason:
        told.append(detail)
    return [each for each in told if each]
