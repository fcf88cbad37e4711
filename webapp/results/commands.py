"""`mailrun runs results`, `send-again`, `remove` …: list and change the results of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from webapp.access import OPERATOR
from webapp.console import ID, fail, options, or_fail, say, visible_run
from webapp.csv_export import csv_lines
from webapp.extensions import runtime
from webapp.printable import printable
from webapp.results import actions, export, resend
from webapp.results.bulk import BulkOutcome, BulkSelection
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import _, translated

rows_of_a_run = options(
    click.argument("run_id", type=ID),
    click.option("--status", type=click.Choice([status.value for status in ResultStatus])),
    click.option("--reason", type=click.Choice([reason.value for reason in SkipReason])),
)
result_numbers = click.option("--result", "results", type=ID, multiple=True, metavar="N")


@click.command()
@rows_of_a_run
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
@click.option("--csv", "as_csv", is_flag=True)
@with_appcontext
def results(run_id: int, status: str | None, reason: str | None, as_json: bool, as_csv: bool) -> None:
    """Print every result of a run, removed ones too."""
    with runtime().database.reading() as session:
        run = visible_run(session, run_id)
        lines = export.results(session, OPERATOR, run, status or "", reason or "")
        if as_json:
            for line in lines:
                click.echo(json.dumps(line))
        elif as_csv:
            for text in csv_lines(lines, export.RESULT_COLUMNS):
                click.echo(text, nl=False)
        else:
            for line in lines:
                why = line["reason"] or line["detail"]
                cells = [str(line["id"]), ",".join(line["invoices"]), line["status"], why]
                click.echo("\t".join(map(printable, cells)))


@click.command("send-again")
@rows_of_a_run
@result_numbers
@click.option("--confirm-duplicates", is_flag=True, help="Customers may get the mail twice.")
@click.option("--with-todays-version", is_flag=True, help="Use today's definition, not the run's version.")
@with_appcontext
def send_again(
    run_id: int,
    status: str | None,
    reason: str | None,
    results: tuple[int, ...],
    confirm_duplicates: bool,
    with_todays_version: bool,
) -> None:
    """Send results again, after checking their data again."""
    selection = _selected(run_id, status, reason, results)
    parts = runtime()
    with parts.database.writing() as session:
        outcome = or_fail(
            lambda: resend.send_again(
                session,
                parts.queue,
                selection,
                OPERATOR,
                confirmed=confirm_duplicates,
                todays_version=with_todays_version,
            )
        )
    _print(outcome, selection)


@click.command()
@rows_of_a_run
@result_numbers
@with_appcontext
def remove(run_id: int, status: str | None, reason: str | None, results: tuple[int, ...]) -> None:
    """Remove results from the run."""
    _change(_selected(run_id, status, reason, results), actions.remove)


@click.command("put-back")
@click.argument("run_id", type=ID)
@result_numbers
@with_appcontext
def put_back(run_id: int, results: tuple[int, ...]) -> None:
    """Put removed results back."""
    parts = runtime()

    def verb(session: Session, selection: BulkSelection, viewer: Any) -> BulkOutcome:
        return actions.put_back(session, parts.queue, selection, viewer)

    _change(_by_ids(run_id, results), verb)


@click.command("let-pass")
@rows_of_a_run
@result_numbers
@with_appcontext
def let_pass(run_id: int, status: str | None, reason: str | None, results: tuple[int, ...]) -> None:
    """Let documents pass that do not mention their invoice, once a person has looked at them."""
    parts = runtime()

    def verb(session: Session, selection: BulkSelection, viewer: Any) -> BulkOutcome:
        return resend.release_documents(session, parts.queue, selection, viewer)

    _change(_selected(run_id, status, reason, results), verb)


@click.command("confirm-sent")
@click.argument("run_id", type=ID)
@result_numbers
@with_appcontext
def confirm_sent(run_id: int, results: tuple[int, ...]) -> None:
    """Mark unconfirmed results as sent, once a person knows that they arrived."""
    _change(_by_ids(run_id, results), actions.confirm_sent)


@click.command("mark-bounced")
@click.argument("run_id", type=ID)
@result_numbers
@with_appcontext
def mark_bounced(run_id: int, results: tuple[int, ...]) -> None:
    """Mark sent results as bounced, once a person knows that they came back."""
    _change(_by_ids(run_id, results), actions.mark_bounced)


def _selected(run_id: int, status: str | None, reason: str | None, results: Iterable[int]) -> BulkSelection:
    ids = tuple(dict.fromkeys(results))
    if not (ids or status or reason):
        raise click.UsageError(_("Name the results: use --status, --reason or --result."))
    if ids and (status or reason):
        raise click.UsageError(_("Use either --result, or --status and --reason."))
    return BulkSelection(run_id, ids or None, status or "", reason or "")


def _by_ids(run_id: int, results: tuple[int, ...]) -> BulkSelection:
    if not results:
        raise click.UsageError(_("Name the results: use --result N, once for each."))
    return BulkSelection(run_id, tuple(dict.fromkeys(results)))


def _change(selection: BulkSelection, verb: Callable[[Session, BulkSelection, Any], BulkOutcome]) -> None:
    with runtime().database.writing() as session:
        outcome = or_fail(lambda: verb(session, selection, OPERATOR))
    _print(outcome, selection)


def _print(outcome: BulkOutcome, selection: BulkSelection) -> None:
    say(_("%(number)s changed", number=outcome.changed))
    for words, n in outcome.unchanged.items():
        say(_("%(number)s not changed: %(reason)s", number=n, reason=translated(words)))
    missing = len(selection.result_ids or ()) - outcome.changed - sum(outcome.unchanged.values())
    if missing > 0:
        fail(_("%(number)s of these results are not in run %(run)s", number=missing, run=selection.run_id))


result_commands = (results, send_again, remove, put_back, let_pass, confirm_sent, mark_bounced)
"""Added to the group `mailrun runs` by the command line."""
