"""What the pages call the columns of the import format, and what stands in them."""

from __future__ import annotations

from webapp.store.statuses import InvoiceStatus
from webapp.translation import N_, _

ADDRESS_PREFIX = "email."
"""Begins what a column of customers with addresses is: email.billing for those under the key billing."""
PERIOD, ISSUE_MONTH = "period", "issue_month"
"""The period in one column; and what stands for the month of the issue date."""

COLUMNS = {
    "clusters.csv": {"tag_name": N_("Cluster"), "parents": N_("Clusters above it")},
    "customers.csv": {
        "code": N_("Customer code"),
        "name": N_("Name"),
        "cluster": N_("Customer cluster"),
        "language": N_("Language"),
        "suspended": N_("Suspended"),
    },
    "emails.csv": {
        "customer_code": N_("Customer code"),
        "key": N_("Recipient key"),
        "address": N_("Email address"),
        "display_name": N_("Display name"),
    },
    "invoices.csv": {
        "number": N_("Invoice number"),
        "customer_code": N_("Customer code"),
        "status": N_("Status"),
        PERIOD: N_("Period, in one column"),
        "period_start": N_("First day of the period"),
        "period_end": N_("Last day of the period"),
        "issue_date": N_("Issue date"),
        "due_date": N_("Due date"),
        "currency": N_("Currency"),
        "net_amount": N_("Net amount"),
        "tax_amount": N_("Tax"),
        "gross_amount": N_("Gross amount"),
    },
    "transformation_results.csv": {
        "invoice_number": N_("Invoice number"),
        "transformation": N_("Transformation"),
        "file": N_("Document"),
        "media_type": N_("Media type"),
    },
}
STATUSES = {
    InvoiceStatus.OPEN: N_("Open: not to be mailed yet"),
    InvoiceStatus.APPROVED: N_("Approved: a run may mail it"),
    InvoiceStatus.CLOSED: N_("Closed: not to be mailed any more"),
}
_OPEN = "open openstaand concept ontwerp nieuw draft pending new offen entwurf neu"
_APPROVED = "approved goedgekeurd akkoord gefiatteerd vrijgegeven freigegeben genehmigt released"
_CLOSED = (
    "closed gesloten afgesloten betaald voldaan paid geschlossen abgeschlossen bezahlt erledigt beglichen"
)
STATUS_WORDS = {
    **dict.fromkeys(_OPEN.split(), InvoiceStatus.OPEN.value),
    **dict.fromkeys(_APPROVED.split(), InvoiceStatus.APPROVED.value),
    **dict.fromkeys(_CLOSED.split(), InvoiceStatus.CLOSED.value),
}
"""What systems write, as `columns.plain` spells it. Only what says so plainly is approved."""
TRUTH_WORDS = {
    **dict.fromkeys(("ja", "j", "yes", "y", "waar", "wahr", "x", "1"), "true"),
    **dict.fromkeys(("nee", "nein", "no", "n", "onwaar", "falsch", "0"), "false"),
}


def column_name(file: str, column: str) -> str:
    """What the reader calls this column."""
    if column.startswith(ADDRESS_PREFIX):
        return _("Email address for key “%(key)s”", key=column.removeprefix(ADDRESS_PREFIX))
    if column in (words := COLUMNS.get(file, {})):
        return _(words[column])
    free = column.partition(".")[2]
    return _("Free field “%(name)s”", name=free) if free else column
