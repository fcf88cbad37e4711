"""`mailrun up`, `web`, `worker`, `init`, `doctor`: starting the program, and looking whether it is well."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp import config, migrations
from webapp.extensions import runtime
from webapp.launch import checks, parts, ports, web
from webapp.launch import up as everything
from webapp.launch.supervisor import AskedToStop, Supervisor


@click.command("up")
@click.option("--no-demo", is_flag=True, help="Do not load the demo company into an empty database.")
@click.option("--no-catcher", is_flag=True, help="Do not start the mail catcher.")
def up(no_demo: bool, no_catcher: bool) -> None:
    """Start everything on this machine, in the foreground. Ctrl-C stops all of it."""
    settings = _settings()
    try:
        everything.up(settings, with_demo=not no_demo, with_catcher=not no_catcher)
    except (ports.Occupied, everything.NotStarted, PermissionError) as problem:
        raise click.ClickException(str(problem)) from None


@click.command("web")
@with_appcontext
def serve_web() -> None:
    """Serve the pages, with waitress."""
    settings = runtime().settings
    try:
        web.serve(current_app._get_current_object(), settings.host, settings.port)  # type: ignore[attr-defined]
    except OSError as problem:
        raise click.ClickException(
            f"cannot listen on {settings.host} port {settings.port}: {problem.strerror}; "
            "MAILRUN_HOST and MAILRUN_PORT choose another"
        ) from None


@click.command("worker")
@click.option(
    "-n", "count", type=click.IntRange(1, 256), default=1, help="How many processes; 1 if not given."
)
def worker(count: int) -> None:
    """Run workers, which send the mails of running runs."""
    _settings()
    if count == 1:
        _become(parts.workers({}, 1)[0].command)
    supervisor = Supervisor()
    with supervisor.signals():
        try:
            for part in parts.workers({}, count):
                supervisor.keep(part)
            supervisor.wait(lambda: False)
        except AskedToStop:
            supervisor.say("Stopping: each worker finishes the message that it is at (up to 30 s).")
        finally:
            supervisor.stop()


@click.command("init")
@with_appcontext
def init() -> None:
    """Create the tables, or bring them to the newest version."""
    database = runtime().database
    before, _ = migrations.versions(database)
    migrations.upgrade(database)
    after, _ = migrations.versions(database)
    click.echo(f"Schema version {after}" + ("." if before != after else ", nothing to do."))


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check database, schema, Redis, store, workers and mail servers. Exit status 1 if anything is wrong."""
    well = True
    for finding in checks.examine(runtime()):
        click.echo(f"{'ok   ' if finding.well else 'WRONG'}  {finding.about}: {finding.words}")
        well = well and finding.well
    if not well:
        sys.exit(1)


def _settings() -> config.Settings:
    try:
        return config.load()
    except config.SettingError as problem:
        raise click.ClickException(str(problem)) from None


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(command[0], command)
