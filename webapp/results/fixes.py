"""Where a person fixes what keeps a mail from its customer."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.store.statuses import ResultStatus, SkipReason


@dataclass(frozen=True)
class Fix:
    """A link to the place where it is fixed."""

    words: str
    href: str


OF_CUSTOMER: dict[str, tuple[str, str]] = {
    SkipReason.SUSPENDED: ("End the suspension", "suspend"),
    SkipReason.NO_RECIPIENT: ("Add an address", "addresses"),
    SkipReason.NO_PASSWORD: ("Set the password", "metadata"),
    ResultStatus.FAILED: ("Check the address", "addresses"),
    ResultStatus.BOUNCED: ("Check the address", "addresses"),
}
OF_INVOICE: dict[str, tuple[str, str]] = {
    SkipReason.NOT_APPROVED: ("Approve the invoice", ""),
    SkipReason.NO_ATTACHMENT: ("Add the document", "documents"),
    SkipReason.UNLOCKABLE: ("Replace the document", "documents"),
    SkipReason.SUSPECT_DOCUMENT: ("Check the document", "documents"),
}


def fix_of(cause: str, customer_id: int, invoice_id: int) -> Fix | None:
    """The place for a skip reason, or for a result that failed or bounced; None where nothing is to be
    fixed."""
    if cause in OF_CUSTOMER:
        words, part = OF_CUSTOMER[cause]
        return Fix(words, f"/customers/{customer_id}#{part}")
    if cause in OF_INVOICE:
        words, part = OF_INVOICE[cause]
        return Fix(words, f"/invoices/{invoice_id}" + (f"#{part}" if part else ""))
    return None
