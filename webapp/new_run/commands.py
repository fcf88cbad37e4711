"""`mailrun runs create` and `mailrun runs preview`."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.access import OPERATOR
from webapp.console import DAY, MOMENT, fail, options, or_fail, say
from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, bcc_addresses
from webapp.new_run import creation, generation
from webapp.new_run.preview import preview as preview_of
from webapp.queue import JobQueue
from webapp.runs.commands import print_run
from webapp.selection.invoices import Selection
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.translation import _, english, ngettext

choosing = options(
    click.option("--definition", required=True, help="Name of the message definition."),
    click.option("--cluster", required=True, help="Tag name of the customer cluster."),
    click.option("--include-children", is_flag=True, help="Include all clusters below it."),
    click.option("--from", "first", type=DAY, required=True, help="First day of the invoice period."),
    click.option("--to", "last", type=DAY, required=True, help="Last day of the invoice period."),
    click.option("--invoice", "invoices", multiple=True, help="Include only this invoice (may be repeated)."),
    click.option("--name", default="", help="Default: definition, cluster and period."),
    click.option("--bcc", multiple=True, help="Gets a copy of every mail; default: the definition's own."),
    click.option("--resend-already-sent", is_flag=True, help="Send again what was sent already."),
    click.option("--json", "as_json", is_flag=True),
)


@click.command()
@choosing
@click.option("--start", is_flag=True, help="Start it at once.")
@click.option("--start-at", type=MOMENT, help="Start it then: 2026-12-02T07:00, in the time zone of Mailrun.")
@click.option("--do-not-send-after", "send_until", type=MOMENT, help="Skip then what is left.")
@with_appcontext
def create(
    start: bool,
    start_at: datetime | None,
    send_until: datetime | None,
    as_json: bool,
    name: str,
    bcc: tuple[str, ...],
    **chosen: Any,
) -> None:
    """Create a run, in this process, and print it."""
    parts = runtime()
    no_queue = JobQueue("")  # the results are generated here
    with parts.database.writing() as session:
        wanted = creation.RunRequest(
            _selection(session, chosen),
            name=name,
            bcc=_bcc(bcc),
            start=start or start_at is not None,
            start_at=start_at and notation.instant(start_at),
            send_until=send_until and notation.instant(send_until),
            copy_domains=parts.settings.bcc_domains,
        )
        run = or_fail(lambda: creation.create(session, no_queue, wanted, OPERATOR))
    try:
        with english():  # what it stores
            generation.generate(parts, run.id)
    except OSError as problem:
        told = {"run": run.id, "problem": problem}
        fail(_("run %(run)s: its documents cannot be checked: %(problem)s. A worker continues.", **told))
    print_run(parts, run.id, as_json)


@click.command()
@choosing
@with_appcontext
def preview(as_json: bool, name: str, bcc: tuple[str, ...], **chosen: Any) -> None:
    """Show what a run created now would include, send and skip. Stores nothing."""
    with runtime().database.reading() as session:
        selection = _selection(session, chosen)
        _bcc(bcc)
        seen = preview_of(session, selection, OPERATOR)
    skipped = {reason: n for reason, n in seen.skipped.items() if n}
    amounts = {currency: str(amount) for currency, amount in seen.amounts.items()}
    facts: dict[str, Any] = {
        "invoices": seen.invoices,
        "ready": seen.ready,
        "skipped": skipped,
        "overlapping": seen.overlapping,
        "amounts": amounts,
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    told = {"invoices": seen.invoices, "ready": seen.ready, "customers": seen.customers}
    say(_("%(invoices)s invoices match, %(ready)s would be sent to %(customers)s customers", **told))
    for reason, n in skipped.items():
        say("  " + _("%(number)s skipped: %(reason)s", number=n, reason=reason))
    if before := seen.mailed_before:
        say("  " + _("%(number)s of those to send were mailed before with another definition", number=before))
    if bounced := seen.bounced_before:
        say("  " + _("%(number)s go to an address that the last mail came back from", number=bounced))
    if seen.overlapping:
        say("  " + _left_out(seen.overlapping))
    for currency, amount in amounts.items():
        say(f"  {currency} {amount}")


def _left_out(count: int) -> str:
    return ngettext(
        "%(num)s invoice extends beyond this period and is left out",
        "%(num)s invoices extend beyond this period and are left out",
        count,
        num=count,
    )


def _selection(session: Session, chosen: dict[str, Any]) -> Selection:
    definition = session.scalar(
        select(MessageDefinition).where(MessageDefinition.name == chosen["definition"])
    )
    if definition is None:
        fail(_("There is no message definition “%(name)s”.", name=chosen["definition"]))
    cluster = session.scalar(select(Cluster).where(Cluster.tag_name == chosen["cluster"]))
    if cluster is None:
        fail(_("There is no customer cluster “%(name)s”.", name=chosen["cluster"]))
    first: date = chosen["first"].date()
    last: date = chosen["last"].date()
    if first > last:
        fail(_("The period ends before it begins."))
    return Selection(
        definition_id=definition.id,
        cluster_id=cluster.id,
        include_children=chosen["include_children"],
        period_from=first,
        period_to=last,
        resend_already_sent=chosen["resend_already_sent"],
        invoice_ids=or_fail(lambda: creation.invoices_by_number(session, chosen["invoices"])),
    )


def _bcc(given: tuple[str, ...]) -> list[str]:
    try:
        return bcc_addresses(given, runtime().settings.bcc_domains)
    except BadAddress as problem:
        fail(f"--bcc: {problem}")


new_run_commands = (create, preview)
"""Added to the group `mailrun runs` by the command line."""
