"""`mailrun runs …`: what the pages can do, for scripts. Exit status: 0 done, 1 refused or failed, 2 wrong
usage."""

from __future__ import annotations

import json
import time

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from webapp.access import OPERATOR, visible_to
from webapp.console import ID, fail, or_fail, say, visible_run
from webapp.extensions import Runtime, runtime
from webapp.lifecycle import runs as lifecycle_runs
from webapp.printable import printable
from webapp.runs import report
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.translation import _


@click.group("runs")
def runs() -> None:
    """Create, start, stop and look at message runs."""


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
        click.echo("\t".join(map(printable, said)).rstrip("\t"))


@runs.command()
@click.argument("run_id", type=ID)
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def show(run_id: int, as_json: bool) -> None:
    """Show one run and its counts."""
    print_run(runtime(), run_id, as_json)


@runs.command()
@click.argument("run_id", type=ID)
@click.option("--wait", is_flag=True, help="Wait until it is finished; exit 1 on any failure.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S", help="Wait at most this many seconds.")
@with_appcontext
def start(run_id: int, wait: bool, timeout: float | None) -> None:
    """Let a run send."""
    parts = runtime()
    with parts.database.writing() as session:
        say(or_fail(lambda: lifecycle_runs.start(session, parts.queue, run_id, OPERATOR)))
    if wait:
        _wait(parts, run_id, timeout)


@runs.command()
@click.argument("run_id", type=ID)
@with_appcontext
def stop(run_id: int) -> None:
    """Stop a run: once this has answered, only mails already being handed over still go out."""
    with runtime().database.writing() as session:
        run = visible_run(session, run_id)
        waited = run.start_at is not None or run.awaits_approval
        words = or_fail(lambda: lifecycle_runs.stop(session, run_id, OPERATOR))
    if run.status in (RunStatus.CREATED, RunStatus.CREATING) and not waited:
        fail(words)
    say(words)


def print_run(parts: Runtime, run_id: int, as_json: bool) -> None:
    with parts.database.reading() as session:
        shown = report.show(session, visible_run(session, run_id))
    if as_json:
        click.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        if name == "counts":
            value = ", ".join(f"{n} {status}" for status, n in value.items() if n)
        say(f"{name}: {value}")


def _wait(parts: Runtime, run_id: int, timeout: float | None) -> None:
    """Wait until the run is over; exit 1 if it is not, or if anything failed or is unconfirmed."""
    until = time.monotonic() + timeout if timeout is not None else float("inf")
    while True:
        with parts.database.reading() as session:
            run = visible_run(session, run_id)
            shown, problem = report.show(session, run), report.problem(session, run) or ""
        if shown["status"] == RunStatus.FINISHED:
            break
        if shown["status"] == RunStatus.STOPPED and not shown["awaits_approval"]:
            fail(_("run %(run)s was stopped. %(why)s", run=run_id, why=problem).strip())
        if time.monotonic() > until:
            told = {"run": run_id, "seconds": f"{timeout:g}", "why": problem}
            fail(_("run %(run)s is not finished after %(seconds)s s. %(why)s", **told).strip())
        time.sleep(0.2)
    counted = shown["counts"]
    say(", ".join(f"{n} {status}" for status, n in counted.items() if n))
    if counted["failed"] or counted["unconfirmed"]:
        told = {"failed": counted["failed"], "unconfirmed": counted["unconfirmed"]}
        fail(_("%(failed)s failed, %(unconfirmed)s unconfirmed", **told))
