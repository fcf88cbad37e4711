"""`mailrun up`, `web`, `worker`, `init`, `doctor`: start the program, and check whether it is well."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from webapp import config, logs, migrations, sealing
from webapp.access import OPERATOR
from webapp.console import say
from webapp.errors import Refused, SettingError
from webapp.extensions import runtime
from webapp.launch import checks, ports, processes, web
from webapp.launch import up as everything
from webapp.launch.supervisor import AskedToStop, Supervisor
from webapp.runs import takeover
from webapp.store import installation
from webapp.store.database import Database
from webapp.translation import _, ngettext
from webapp.users import first_start


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
    try:
        settings = ports.reserve(runtime().settings, with_catcher=False)
    except ports.Occupied as problem:
        raise click.ClickException(str(problem)) from None
    bind(runtime().database)
    logs.set_up(settings.privacy.log_style)
    _announce(_("Serving on %(host)s port %(port)s.", host=settings.host, port=settings.port), settings)
    tell_first_start(runtime().database, settings)
    web.serve(current_app._get_current_object(), settings.host, settings.port)  # type: ignore[attr-defined]


@click.command("worker")
@click.option(
    "-n", "count", type=click.IntRange(1, 256), default=1, help="How many processes; 1 if not given."
)
@with_appcontext
def worker(count: int) -> None:
    """Run workers, which send the mails of running runs."""
    bind(runtime().database)
    style = runtime().settings.privacy.log_style
    runtime().close()  # the workers are processes of their own
    if count == 1:
        _become(processes.workers({}, 1)[0].command)
    supervisor = Supervisor(style)
    with supervisor.signals():
        try:
            for part in processes.workers({}, count):
                supervisor.keep(part)
            supervisor.wait(lambda: False)
        except AskedToStop:
            supervisor.say(_("Stopping: each worker finishes the message that it is at (up to 30 s)."))
        finally:
            supervisor.stop()


@click.command("init")
@with_appcontext
def init() -> None:
    """Create the tables, or bring them to the newest version."""
    database = runtime().database
    before = migrations.versions(database)[0]
    migrations.upgrade(database)
    bind(database)
    after = migrations.versions(database)[0]
    if before == after:
        say(_("Schema version %(version)s, nothing to do.", version=after))
    else:
        say(_("Schema version %(version)s.", version=after))
    if done := sealing.seal_plain(database).plain:
        say(
            ngettext(
                "Encrypted %(num)s password of documents.", "Encrypted %(num)s passwords of documents.", done
            )
        )


@click.command("takeover")
@click.option("--words", metavar="WORDS", help=f"Without being asked: the words “{takeover.WORDS}”.")
@with_appcontext
def take_over(words: str | None) -> None:
    """Take over a database that was made with another secret key: a restored backup, a copy, a move."""
    database = runtime().database
    with database.reading() as session:
        is_held = installation.held(session)
    if is_held and words is None:
        for paragraph in takeover.MEANING:
            say(paragraph)
        words = click.prompt(_("Type “%(words)s” if you mean it", words=takeover.WORDS))
    try:
        with database.writing() as session:
            say(takeover.take_over(session, OPERATOR, words or takeover.WORDS))
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check database, schema, Redis, store, workers and mail servers. Exit status 1 if anything is wrong."""
    well = True
    for finding in checks.examine(runtime()):
        say(f"{finding.look:5}  {finding.about}: {finding.words}")
        well = well and finding.well
    if not well:
        sys.exit(1)


def bind(database: Database) -> None:
    """The first process that uses a new database binds it to its secret key; one with a wrong key says so. A
    database that is away, or has no tables yet, is left to the next process."""
    with suppress(DBAPIError):
        has, needs = migrations.versions(database)
        if has == needs:
            with database.writing() as session:
                installation.bind(session)
                held, missing = installation.held(session), sealing.missing_keys(session)
            if held:
                say(_("Nothing is sent: %(held)s.", held=held), err=True)
            elif missing:
                say(_("Take care: %(missing_keys)s.", missing_keys=sealing.MISSING_KEYS), err=True)


def tell_first_start(database: Database, settings: config.Settings) -> None:
    """While there is no user, say where the first administrator is made, and by which code."""
    with suppress(DBAPIError), database.reading() as session:
        if first_start.is_open(session):
            words = _(
                "First start: open %(settings)s/setup and enter the code %(session)s.",
                settings=ports.address(settings),
                session=first_start.code(session),
            )
            _announce(words, settings)


def _announce(words: str, settings: config.Settings) -> None:
    """Say it in the form in which this process logs."""
    say(logs.notice(words) if settings.privacy.log_style == "json" else words)


def _settings() -> config.Settings:
    try:
        return config.load()
    except SettingError as problem:
        raise click.ClickException(str(problem)) from None


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  # our own command, a list
