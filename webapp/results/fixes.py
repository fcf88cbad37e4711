"""The place where what keeps a mail from its customer is fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.results.to_fix import SKIPPED_FOR, OpenCause
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import N_, _


@dataclass(frozen=True)
class Fix:
    """A link to the place where it is fixed."""

    words: str
    href: str


OF_CUSTOMER: dict[str, tuple[str, str]] = {
    SkipReason.SUSPENDED: (N_("End the suspension"), "suspend"),
    SkipReason.NO_RECIPIENT: (N_("Add an address"), "addresses"),
    SkipReason.NO_PASSWORD: (N_("Set the password"), "metadata"),
    ResultStatus.FAILED: (N_("Check the address"), "addresses"),
    ResultStatus.BOUNCED: (N_("Check the address"), "addresses"),
}
OF_INVOICE: dict[str, tuple[str, str]] = {
    SkipReason.NOT_APPROVED: (N_("Approve the invoice"), ""),
    SkipReason.NO_ATTACHMENT: (N_("Add the document"), "documents"),
    SkipReason.UNLOCKABLE: (N_("Replace the document"), "documents"),
    SkipReason.SUSPECT_DOCUMENT: (N_("Check the document"), "documents"),
}


GAVE_UP = "gave up after "
"""How the detail of a mail begins that no server took in time (delivery/settlement.py)."""


def could_not_be_made(reply: str, detail: str) -> bool:
    """Whether this failed mail was never offered to a server, whose reply would begin with a code (RFC 5321):
    no address helps then."""
    return not reply[:3].isdigit() and not detail.startswith(GAVE_UP)


def fix_of(cause: str, customer_id: int, invoice_id: int, unmade_by: int = 0) -> Fix | None:
    """The place for a skip reason, or for a result that failed or bounced; None where nothing is to be fixed.
    `unmade_by`: the definition with which its mail could not be made."""
    if unmade_by:
        return Fix(_("Fix the definition"), f"/definitions/{unmade_by}")
    if cause in OF_CUSTOMER:
        words, part = OF_CUSTOMER[cause]
        return Fix(_(words), f"/customers/{customer_id}#{part}")
    if cause in OF_INVOICE:
        words, part = OF_INVOICE[cause]
        return Fix(_(words), f"/invoices/{invoice_id}" + (f"#{part}" if part else ""))
    return None


def unmade_by(run: Run, result: Any) -> int:
    """The run's definition, if the mail of this result could not be made with it; else 0."""
    failed = result.status == ResultStatus.FAILED
    return run.definition_id if failed and could_not_be_made(result.smtp_reply, result.detail) else 0


def fix_in_run(run: Run, result: Any) -> Fix | None:
    """The place for one result (a Result, or a row with its columns) in the list of its run: among what is to
    be fixed in this run, where the fix also sends what it frees; else the customer, the invoice or the
    definition itself."""
    status, reason = result.status, result.reason
    cause = reason if status == ResultStatus.SKIPPED else status
    one = fix_of(cause, result.customer_id, result.lead_invoice_id, unmade_by(run, result))
    in_list = open_cause(status, reason)
    return Fix(one.words, f"/fix?run={run.id}&cause={in_list}") if one and in_list else one


def open_cause(status: str, reason: str) -> OpenCause | None:
    """The cause for which results with this status, or skip reason, are open. None if they are not, or if
    there is more than one: a mail fails for its address or for something else."""
    wanted = reason if status == ResultStatus.SKIPPED else status
    causes = {*SKIPPED_FOR, OpenCause.BOUNCED, OpenCause.UNCONFIRMED}
    return OpenCause(wanted) if wanted in causes else None
