"""`mailrun audit`: verify the audit trail, and write it to a file."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from webapp import audit
from webapp.access import OPERATOR
from webapp.audit_trail import listing, verifying
from webapp.audit_trail.listing import COLUMNS, AuditFilter
from webapp.audit_trail.verifying import Anchor
from webapp.console import say
from webapp.csv_export import csv_lines
from webapp.extensions import runtime
from webapp.translation import _, ngettext

audit_commands = AppGroup("audit", help="The audit trail: who did what.")


@audit_commands.command("verify")
@click.option("--anchor", metavar="NUMBER:HASH", default="", help="Check against this entry, noted before.")
def verify(anchor: str) -> None:
    """Check that each entry is as it was written, and in its place. Ends with status 1 if one is not."""
    verification = verifying.verify(runtime().database, _anchor(anchor))
    if verification.released:
        say(
            _(
                "Entries up to %(number)s were deleted; a signed stub stands for them.",
                number=verification.released,
            )
        )
    if verification.before > verification.released:
        say(
            _(
                "Entries up to %(number)s are from before the chain, and not protected.",
                number=verification.before,
            )
        )
    if verification.broken is not None:
        raise click.ClickException(_("the chain is broken: %(problem)s", problem=verification.words))
    say(
        ngettext(
            "%(num)s entry was verified: it is as it was written.",
            "%(num)s entries were verified: all are as they were written.",
            verification.entries,
        )
    )
    if verification.hash:
        say(_("Keep this anchor elsewhere, for the next check: %(anchor)s", anchor=verification.anchor))


@audit_commands.command("export")
def export() -> None:
    """Write all entries as CSV to standard output, the oldest first."""
    with runtime().database.writing() as session:
        audit.note(session, OPERATOR.name, "download audit trail", "audit trail")
    with runtime().database.reading() as session:
        for line in csv_lines(listing.rows(session, AuditFilter()), COLUMNS):
            sys.stdout.write(line)


def _anchor(text: str) -> Anchor | None:
    number, _colon, digest = text.partition(":")
    if not text:
        return None
    if not number.isdigit() or len(digest) != 64:
        raise click.ClickException(
            _("An anchor is a number, a colon and 64 characters, as `mailrun audit verify` prints it.")
        )
    return Anchor(int(number), digest)
