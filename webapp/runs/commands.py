"""`mailrun runs …`: what the pages can do, for scripts. Exit status: 0 done, 1 refused or failed, 2 wrong
usage."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any, NoReturn, TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import OPERATOR, visible_to
from webapp.extensions import Runtime, runtime
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle.runs import Refused
from webapp.mailing.addresses import BadAddress
from webapp.new_run import generation
from webapp.new_run.preview import preview as preview_of
from webapp.queue import Bell
from webapp.runs import report
from webapp.runs.bcc import bcc_addresses
from webapp.selection.invoices import Choice
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus

F = TypeVar("F", bound=Callable[..., Any])


@click.group("runs")
def runs() -> None:
    """Make, start, stop and look at message runs."""


def options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


DAY = click.DateTime(["%Y-%m-%d"])
ID = click.IntRange(1, 2**63 - 1)
"""Of a run or a result: no database has others."""

choosing = options(
    click.option("--definition", required=True, help="Name of the message definition."),
    click.option("--cluster", required=True, help="Tag name of the customer cluster."),
    click.option("--include-children", is_flag=True, help="And all clusters below it."),
    click.option("--from", "first", type=DAY, required=True, help="First day of the invoice period."),
    click.option("--to", "last", type=DAY, required=True, help="Last day of the invoice period."),
    click.option("--invoice", "invoices", multiple=True, help="Take this invoice only (may be repeated)."),
    click.option("--name", default="", help="Without: definition, cluster and period."),
    click.option("--bcc", multiple=True, help="Gets a copy of every mail; without, the definition's own."),
    click.option("--resend-already-sent", is_flag=True, help="Send again what was sent already."),
    click.option("--json", "as_json", is_flag=True),
)


@runs.command()
@choosing
@click.option("--start", is_flag=True, help="Start it at once.")
@with_appcontext
def create(start: bool, as_json: bool, name: str, bcc: tuple[str, ...], **chosen: Any) -> None:
    """Make a run, in this process, and print it."""
    parts = runtime()
    with parts.database.writing() as session:
        choice = _choice(session, chosen)
        copies = _bcc(bcc)
        made = or_fail(
            lambda: lifecycle_runs.create(  # no bell: its results are made right here
                session, Bell(""), choice, name=name, bcc=copies, viewer=OPERATOR, start=start
            )
        )
    try:
        generation.make(parts, made.id)
    except OSError as problem:
        fail(f"run {made.id}: its documents cannot be checked: {problem}. A worker goes on with it.")
    _show(parts, made.id, as_json)


@runs.command()
@choosing
@with_appcontext
def preview(as_json: bool, name: str, bcc: tuple[str, ...], **chosen: Any) -> None:
    """Say what a run made now would take, send and skip. Stores nothing."""
    with runtime().database.reading() as session:
        choice = _choice(session, chosen)
        _bcc(bcc)
        seen = preview_of(session, choice, OPERATOR)
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
    click.echo(f"{seen.invoices} invoices match, {seen.ready} would be sent to {seen.customers} customers")
    for reason, n in skipped.items():
        click.echo(f"  {n} skipped: {reason}")
    if seen.mailed_before:
        click.echo(f"  {seen.mailed_before} of those to send were mailed before with another definition")
    if seen.overlapping:
        click.echo(f"  {seen.overlapping} reach beyond this period and are not taken")
    for currency, amount in amounts.items():
        click.echo(f"  {currency} {amount}")


@runs.command("list")
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def list_runs(as_json: bool) -> None:
    """List the runs, newest first."""
    with runtime().database.reading() as session:
        found = session.scalars(select(Run).where(visible_to(OPERATOR, Run)).order_by(Run.id.desc())).all()
        shown = [report.show(session, run) for run in found]
    if as_json:
        click.echo(json.dumps(shown))
        return
    for run in shown:
        counted = ", ".join(f"{n} {status}" for status, n in run["counts"].items() if n)
        said = [str(run["id"]), run["status"], run["name"], counted, run["problem"] or ""]
        click.echo("\t".join(said).rstrip("\t"))


@runs.command()
@click.argument("run_id", type=ID)
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def show(run_id: int, as_json: bool) -> None:
    """Show one run and its counts."""
    _show(runtime(), run_id, as_json)


@runs.command()
@click.argument("run_id", type=ID)
@click.option("--wait", is_flag=True, help="Until it is finished; exit 1 on any failure.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S", help="Wait at most so many seconds.")
@with_appcontext
def start(run_id: int, wait: bool, timeout: float | None) -> None:
    """Let a run send."""
    parts = runtime()
    with parts.database.writing() as session:
        click.echo(or_fail(lambda: lifecycle_runs.start(session, parts.bell, run_id, OPERATOR)))
    if wait:
        _wait(parts, run_id, timeout)


@runs.command()
@click.argument("run_id", type=ID)
@with_appcontext
def stop(run_id: int) -> None:
    """Stop a run: once this has answered, nothing goes out but what is on the wire."""
    with runtime().database.writing() as session:
        words = or_fail(lambda: lifecycle_runs.stop(session, run_id, OPERATOR))
        status = session.get_one(Run, run_id).status
    if status in (RunStatus.CREATED, RunStatus.CREATING):
        fail(words)
    click.echo(words)


T = TypeVar("T")


def fail(words: str) -> NoReturn:
    click.echo(f"mailrun: {words}", err=True)
    sys.exit(1)


def or_fail(verb: Callable[[], T]) -> T:
    try:
        return verb()
    except Refused as refusal:
        fail(str(refusal))


def _choice(session: Session, chosen: dict[str, Any]) -> Choice:
    definition = session.scalar(
        select(MessageDefinition).where(MessageDefinition.name == chosen["definition"])
    )
    if definition is None:
        fail(f"There is no message definition “{chosen['definition']}”.")
    cluster = session.scalar(select(Cluster).where(Cluster.tag_name == chosen["cluster"]))
    if cluster is None:
        fail(f"There is no customer cluster “{chosen['cluster']}”.")
    first: date = chosen["first"].date()
    last: date = chosen["last"].date()
    if first > last:
        fail("The period ends before it begins.")
    return Choice(
        definition_id=definition.id,
        cluster_id=cluster.id,
        include_children=chosen["include_children"],
        period_from=first,
        period_to=last,
        resend_already_sent=chosen["resend_already_sent"],
        invoice_ids=or_fail(lambda: lifecycle_runs.invoices_by_number(session, chosen["invoices"])),
    )


def _bcc(given: tuple[str, ...]) -> list[str]:
    try:
        return bcc_addresses(given, runtime().settings.bcc_domains)
    except BadAddress as problem:
        fail(f"--bcc: {problem}")


def visible_run(session: Session, run_id: int) -> Run:
    run = session.scalar(select(Run).where(Run.id == run_id, visible_to(OPERATOR, Run)))
    if run is None:
        fail(f"There is no run {run_id}.")
    return run


def _show(parts: Runtime, run_id: int, as_json: bool) -> None:
    with parts.database.reading() as session:
        shown = report.show(session, visible_run(session, run_id))
    if as_json:
        click.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        if name == "counts":
            value = ", ".join(f"{n} {status}" for status, n in value.items() if n)
        click.echo(f"{name}: {value}")


def _wait(parts: Runtime, run_id: int, timeout: float | None) -> None:
    """Waits until the run is over; exits 1 if it is not, or if anything failed or is unconfirmed."""
    until = time.monotonic() + timeout if timeout is not None else float("inf")
    while True:
        with parts.database.reading() as session:
            shown = report.show(session, visible_run(session, run_id))
        if shown["status"] == RunStatus.FINISHED:
            break
        if shown["status"] == RunStatus.STOPPED:
            fail(f"run {run_id} was stopped. {shown['problem'] or ''}".strip())
        if time.monotonic() > until:
            fail(f"run {run_id} is not finished after {timeout:g} s. {shown['problem'] or ''}".strip())
        time.sleep(0.2)
    counted = shown["counts"]
    click.echo(", ".join(f"{n} {status}" for status, n in counted.items() if n))
    if counted["failed"] or counted["unconfirmed"]:
        fail(f"{counted['failed']} failed, {counted['unconfirmed']} unconfirmed")
