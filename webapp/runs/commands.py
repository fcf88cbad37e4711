"""`mailrun runs …`: what the pages can do, for scripts. Exit status: 0 done, 1 refused or failed, 2 wrong
usage."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, NoReturn, TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.extensions import Runtime, runtime
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.runs import lifecycle, making, report, result_actions, selection
from webapp.runs.lifecycle import Refused
from webapp.runs.result_actions import Chosen, Done
from webapp.runs.selection import Choice
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason
from webapp.users.access import OPERATOR, visible_to

F = TypeVar("F", bound=Callable[..., Any])


@click.group("runs")
def runs() -> None:
    """Make, start, stop and look at message runs."""


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


DAY = click.DateTime(["%Y-%m-%d"])

choosing = _options(
    click.option("--definition", required=True, help="Name of the message definition."),
    click.option("--cluster", required=True, help="Tag name of the customer cluster."),
    click.option("--include-children", is_flag=True, help="And all clusters below it."),
    click.option("--from", "first", type=DAY, required=True, help="First day of the invoice period."),
    click.option("--to", "last", type=DAY, required=True, help="Last day of the invoice period."),
    click.option("--invoice", "invoices", multiple=True, help="Take this invoice only (may be repeated)."),
    click.option("--name", default="", help="Without: definition, cluster and period."),
    click.option("--bcc", multiple=True, help="Address that gets a copy of every mail (may be repeated)."),
    click.option("--resend-already-sent", is_flag=True, help="Send again what was sent already."),
    click.option("--json", "as_json", is_flag=True),
)
rows_of_a_run = _options(
    click.argument("run_id", type=int),
    click.option("--status", type=click.Choice([status.value for status in ResultStatus])),
    click.option("--reason", type=click.Choice([reason.value for reason in SkipReason])),
)
result_numbers = click.option("--result", "results", type=int, multiple=True, metavar="N")


@runs.command()
@choosing
@click.option("--start", is_flag=True, help="Start it at once.")
@with_appcontext
def create(start: bool, as_json: bool, name: str, bcc: tuple[str, ...], **chosen: Any) -> None:
    """Make a run, in this process, and print it."""
    parts = runtime()
    with parts.database.writing() as session:
        choice = _choice(session, chosen)
        copies = _bcc(session, choice, bcc)
        made = _or_fail(
            lambda: lifecycle.create(
                session, parts.bell, choice, name=name, bcc=copies, viewer=OPERATOR, start=start
            )
        )
    making.make(parts.database, parts.bell, made.id)
    _show(parts, made.id, as_json)


@runs.command()
@choosing
@with_appcontext
def preview(as_json: bool, name: str, bcc: tuple[str, ...], **chosen: Any) -> None:
    """Say what a run made now would take, send and skip. Stores nothing."""
    with runtime().database.reading() as session:
        choice = _choice(session, chosen)
        _bcc(session, choice, bcc)
        seen = selection.preview(session, choice, OPERATOR)
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
        click.echo(f"{run['id']}\t{run['status']}\t{run['name']}\t{counted}")


@runs.command()
@click.argument("run_id", type=int)
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def show(run_id: int, as_json: bool) -> None:
    """Show one run and its counts."""
    _show(runtime(), run_id, as_json)


@runs.command()
@click.argument("run_id", type=int)
@click.option("--wait", is_flag=True, help="Until it is finished; exit 1 on any failure.")
@click.option("--timeout", type=float, default=None, metavar="S", help="Wait for at most so many seconds.")
@with_appcontext
def start(run_id: int, wait: bool, timeout: float | None) -> None:
    """Let a run send."""
    parts = runtime()
    with parts.database.writing() as session:
        click.echo(_or_fail(lambda: lifecycle.start(session, parts.bell, run_id, OPERATOR)))
    if wait:
        _wait(parts, run_id, timeout)


@runs.command()
@click.argument("run_id", type=int)
@with_appcontext
def stop(run_id: int) -> None:
    """Stop a run: once this has answered, nothing goes out but what is on the wire."""
    with runtime().database.writing() as session:
        words = _or_fail(lambda: lifecycle.stop(session, run_id, OPERATOR))
        status = session.get_one(Run, run_id).status
    if status in (RunStatus.CREATED, RunStatus.CREATING):
        _fail(words)
    click.echo(words)


@runs.command()
@rows_of_a_run
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
@click.option("--csv", "as_csv", is_flag=True)
@with_appcontext
def results(run_id: int, status: str | None, reason: str | None, as_json: bool, as_csv: bool) -> None:
    """Print every result of a run, removed ones too."""
    with runtime().database.reading() as session:
        run = _run(session, run_id)
        lines = report.results(session, OPERATOR, run, status or "", reason or "")
        if as_json:
            for line in lines:
                click.echo(json.dumps(line))
        elif as_csv:
            _print_csv(lines)
        else:
            for line in lines:
                why = line["reason"] or line["detail"]
                click.echo("\t".join([str(line["id"]), ",".join(line["invoices"]), line["status"], why]))


@runs.command("send-again")
@rows_of_a_run
@result_numbers
@click.option("--confirm-duplicates", is_flag=True, help="The customers may get it twice.")
@click.option("--with-todays-version", is_flag=True, help="The definition as it is now, not the copy.")
@with_appcontext
def send_again(
    run_id: int,
    status: str | None,
    reason: str | None,
    results: tuple[int, ...],
    confirm_duplicates: bool,
    with_todays_version: bool,
) -> None:
    """Make results ready again, after looking at their data anew."""
    chosen = _chosen(run_id, status, reason, results)
    parts = runtime()
    with parts.database.writing() as session:
        done = _or_fail(
            lambda: result_actions.send_again(
                session,
                parts.bell,
                chosen,
                OPERATOR,
                confirmed=confirm_duplicates,
                todays_version=with_todays_version,
            )
        )
    _tell(done, chosen)


@runs.command()
@rows_of_a_run
@result_numbers
@with_appcontext
def remove(run_id: int, status: str | None, reason: str | None, results: tuple[int, ...]) -> None:
    """Take results out of the run."""
    _change(_chosen(run_id, status, reason, results), result_actions.remove)


@runs.command("put-back")
@click.argument("run_id", type=int)
@result_numbers
@with_appcontext
def put_back(run_id: int, results: tuple[int, ...]) -> None:
    """Put removed results back."""
    parts = runtime()

    def verb(session: Session, chosen: Chosen, viewer: Any) -> Done:
        return result_actions.put_back(session, parts.bell, chosen, viewer)

    _change(_chosen(run_id, None, None, results), verb)


@runs.command("confirm-sent")
@click.argument("run_id", type=int)
@result_numbers
@with_appcontext
def confirm_sent(run_id: int, results: tuple[int, ...]) -> None:
    """Mark unconfirmed results as sent: somebody knows that they arrived."""
    _change(_chosen(run_id, None, None, results), result_actions.confirm_sent)


@runs.command("mark-bounced")
@click.argument("run_id", type=int)
@result_numbers
@with_appcontext
def mark_bounced(run_id: int, results: tuple[int, ...]) -> None:
    """Mark sent results as bounced: somebody knows that they came back."""
    _change(_chosen(run_id, None, None, results), result_actions.mark_bounced)


T = TypeVar("T")


def _fail(words: str) -> NoReturn:
    click.echo(f"mailrun: {words}", err=True)
    sys.exit(1)


def _or_fail(verb: Callable[[], T]) -> T:
    try:
        return verb()
    except Refused as refusal:
        _fail(str(refusal))


def _choice(session: Session, chosen: dict[str, Any]) -> Choice:
    definition = session.scalar(
        select(MessageDefinition).where(MessageDefinition.name == chosen["definition"])
    )
    if definition is None:
        _fail(f"There is no message definition “{chosen['definition']}”.")
    cluster = session.scalar(select(Cluster).where(Cluster.tag_name == chosen["cluster"]))
    if cluster is None:
        _fail(f"There is no customer cluster “{chosen['cluster']}”.")
    first: date = chosen["first"].date()
    last: date = chosen["last"].date()
    if first > last:
        _fail("The period ends before it begins.")
    return Choice(
        definition_id=definition.id,
        cluster_id=cluster.id,
        include_children=chosen["include_children"],
        period_from=first,
        period_to=last,
        resend_already_sent=chosen["resend_already_sent"],
        invoice_ids=_or_fail(lambda: lifecycle.invoices_by_number(session, chosen["invoices"])),
    )


def _bcc(session: Session, choice: Choice, given: tuple[str, ...]) -> list[str]:
    """The Bcc addresses given, else the definition's own."""
    wanted = given or session.get_one(MessageDefinition, choice.definition_id).bcc
    try:
        return [checked_address(address) for address in wanted]
    except BadAddress as problem:
        _fail(f"--bcc: {problem}")


def _run(session: Session, run_id: int) -> Run:
    run = session.scalar(select(Run).where(Run.id == run_id, visible_to(OPERATOR, Run)))
    if run is None:
        _fail(f"There is no run {run_id}.")
    return run


def _show(parts: Runtime, run_id: int, as_json: bool) -> None:
    with parts.database.reading() as session:
        shown = report.show(session, _run(session, run_id))
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
            shown = report.show(session, _run(session, run_id))
        if shown["status"] == RunStatus.FINISHED:
            break
        if shown["status"] == RunStatus.STOPPED:
            _fail(f"run {run_id} was stopped. {shown['problem'] or ''}".strip())
        if time.monotonic() > until:
            _fail(f"run {run_id} is not finished after {timeout:g} s. {shown['problem'] or ''}".strip())
        time.sleep(0.2)
    counted = shown["counts"]
    click.echo(", ".join(f"{n} {status}" for status, n in counted.items() if n))
    if counted["failed"] or counted["unconfirmed"]:
        _fail(f"{counted['failed']} failed, {counted['unconfirmed']} unconfirmed")


def _chosen(run_id: int, status: str | None, reason: str | None, results: Iterable[int]) -> Chosen:
    ids = tuple(results)
    if not (ids or status or reason):
        raise click.UsageError("Say which results: --status, --reason or --result.")
    if ids and (status or reason):
        raise click.UsageError("Say either --result, or --status and --reason.")
    return Chosen(run_id, ids or None, status or "", reason or "")


def _change(chosen: Chosen, verb: Callable[[Session, Chosen, Any], Done]) -> None:
    with runtime().database.writing() as session:
        done = _or_fail(lambda: verb(session, chosen, OPERATOR))
    _tell(done, chosen)


def _tell(done: Done, chosen: Chosen) -> None:
    click.echo(f"{done.changed} changed")
    for words, n in done.unchanged.items():
        click.echo(f"{n} not changed: {words}")
    missing = len(chosen.result_ids or ()) - done.changed - sum(done.unchanged.values())
    if missing > 0:
        _fail(f"{missing} of these results are not in run {chosen.run_id}")


def _print_csv(lines: Iterable[dict[str, Any]]) -> None:
    """One line per result. A value that a spreadsheet would take for a formula gets an apostrophe
    (CWE-1236)."""
    writer = None
    for line in lines:
        flat = {
            name: " ".join(value) if isinstance(value, list) else "" if value is None else value
            for name, value in line.items()
        }
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(flat), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _defused(value) for name, value in flat.items()})


def _defused(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
