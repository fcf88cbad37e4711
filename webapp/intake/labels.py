"""What the pages call the states, files and ways of reading of an import."""

from __future__ import annotations

import re
from typing import Any

from webapp.intake.column_words import column_name
from webapp.intake.columns import KINDS as KINDS_OF_FILES
from webapp.store.statuses import ImportState
from webapp.store.users import ImportSet
from webapp.translation import N_, _, ngettext

STATES = {
    ImportState.UPLOADED: ("ready", N_("Uploaded")),
    ImportState.CHECKING: ("sending", N_("Checking")),
    ImportState.CHECKED: ("ready", N_("Checked")),
    ImportState.APPLYING: ("sending", N_("Applying")),
    ImportState.APPLIED: ("sent", N_("Applied")),
    ImportState.FAILED: ("failed", N_("Failed")),
    ImportState.CANCELLED: ("removed", N_("Cancelled")),
}
KINDS = {
    "clusters.csv": N_("Customer clusters"),
    "customers.csv": N_("Customers"),
    "emails.csv": N_("Email addresses"),
    "invoices.csv": N_("Invoices"),
    "transformation_results.csv": N_("List of documents"),
}
LOCALES = {
    "": N_("2026-10-31 and 1234.50"),
    "nl": N_("31-10-2026 and 1.234,50 (Dutch)"),
    "de": N_("31.10.2026 and 1.234,50 (German)"),
    "fr": N_("31/10/2026 and 1 234,50 (French)"),
    "en_GB": N_("31/10/2026 and 1,234.50 (British)"),
    "en_US": N_("10/31/2026 and 1,234.50 (American)"),
    "de_CH": N_("31.10.2026 and 1’234.50 (Swiss)"),
}
DELIMITERS = {";": N_("Semicolon"), ",": N_("Comma"), "\t": N_("Tab"), "|": N_("Vertical bar")}
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": N_("Windows, Western Europe (cp1252)"),
    "utf-16": "UTF-16",
    "iso8859-15": "ISO 8859-15",
    "cp850": N_("DOS, Western Europe (cp850)"),
    "mac_roman": N_("Macintosh (mac_roman)"),
}
STEPS = {
    "Reading": N_("Reading the files"),
    "Checking": N_("Checking what belongs together"),
    "Comparing": N_("Comparing with what is stored"),
    "Documents": N_("Storing documents"),
    "Storing": N_("Storing"),
    "Matching": N_("Looking for the invoices of documents"),
}
WORDS = {
    "customer clusters": N_("Customer clusters"),
    "customers": N_("Customers"),
    "customer emails": N_("Email addresses"),
    "invoices": N_("Invoices"),
    "transformation results": N_("Documents"),
    "mail servers": N_("Mail servers"),
    "senders": N_("Senders"),
    "recipient keys": N_("Recipient keys"),
    "invoice transformations": N_("Transformations"),
    "message templates": N_("Templates"),
    "mailboxes": N_("Mailboxes"),
    "parts of templates": N_("Parts of templates"),
    "message definitions": N_("Definitions"),
    "values changed by people": N_("Values changed by people"),
}
CHANGES = {
    "new": N_("new"),
    "changed": N_("changed"),
    "removed": N_("removed"),
    "kept": N_("kept as changed here"),
    "kept removed": N_("stays removed"),
    "source wins": N_("the source wins"),
}
STATUSES = {"open": N_("open"), "approved": N_("approved"), "closed": N_("closed")}
NUMBERS = ("new", "changed", "unchanged", "removed", "kept")
"""The columns of the table of counts."""


def is_discarded(row: ImportSet) -> bool:
    """Whether a person has deleted its files: those of a cancelled one go later, by themselves."""
    return row.state == ImportState.CANCELLED and row.files_gone_at == row.changed_at


def state(row: ImportSet) -> tuple[str, str]:
    """The look and the word for the state: a check that found errors has its own, and so has an upload that
    a person discarded."""
    if is_discarded(row):
        return "removed", _("Discarded")
    if row.state == ImportState.CHECKED and not row.summary.get("can_apply"):
        return "failed", _("Has errors")
    look, word = STATES[ImportState(row.state)]
    return look, _(word)


def total(summary: dict[str, Any], name: str) -> int:
    """How many rows are new, changed and so on, over all files."""
    return sum(int(each.get(name, 0)) for each in summary.get("counts", ()))


def lines(error: dict[str, Any]) -> str:
    """Where an error is, beyond its first line: 12 lines: 3, 7, 8 and 9 more"""
    if error["count"] <= 1:
        return ""
    listed = ", ".join(str(line) for line in error["lines"])
    left = error["count"] - len(error["lines"])
    if left <= 0:
        return _("lines %(lines)s", lines=listed)
    return ngettext(
        "lines %(lines)s and %(num)s more", "lines %(lines)s and %(num)s more", left, lines=listed
    )


def value(name: str, said: Any) -> str:
    """What a new row says in a column, in words."""
    if name == "status" and said in STATUSES:
        return _(STATUSES[said])
    return str(said)


DIFFERENCE = re.compile(r"(\w+) (.*) → (.*)")
FILES = {kind.words: kind.file for kind in KINDS_OF_FILES}


def difference(words: str, told: str) -> str:
    """What differs in a row (imports/changes.py), with the column and a status as pages call them. `words`:
    what its rows are called."""
    match = DIFFERENCE.fullmatch(told)
    if match is None:
        return told
    name, before, after = match.groups()
    return f"{column_name(FILES.get(words, ''), name)}: {value(name, before)} → {value(name, after)}"
