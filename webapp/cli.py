"""The `mailrun` command: one group per room, each in the room's own commands.py."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy.exc import DBAPIError

from webapp import create_app
from webapp.catcher.commands import catcher
from webapp.config import SettingError
from webapp.demo.commands import demo
from webapp.evidence.commands import evidence_command
from webapp.imports.commands import import_command
from webapp.launch import commands as launch
from webapp.new_run.commands import new_run_commands
from webapp.results.commands import result_commands
from webapp.runs.commands import runs
from webapp.users.commands import users

WITH_PAGES = ("web",)
"""The commands that serve pages; all others start faster without."""


class Commands(FlaskGroup):
    """Tells what a person can fix in one line, without a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DBAPIError as error:
            if "locked" in str(error.orig):
                words = f"{error.orig}: another process holds it. Nothing was changed; try again."
            else:
                words = (
                    f"{error.orig}. `mailrun init` makes or upgrades its tables; `mailrun doctor` says more."
                )
            raise click.ClickException(f"the database does not do what it should: {words}") from error


def _create_app() -> Flask:
    """The application for the command that is about to run."""
    try:
        return create_app(pages=click.get_current_context().info_name in WITH_PAGES)
    except SettingError as problem:
        raise click.ClickException(str(problem)) from None


main = Commands(
    name="mailrun",
    help="Mails invoices: the right document, to the right address, once, with proof.",
    create_app=_create_app,
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    set_debug_flag=False,
)

main.add_command(launch.up)
main.add_command(launch.serve_web)
main.add_command(launch.worker)
main.add_command(launch.init)
main.add_command(launch.take_over)
main.add_command(launch.doctor)
main.add_command(catcher)
main.add_command(demo)
main.add_command(import_command)
for command in (*new_run_commands, *result_commands, evidence_command):
    runs.add_command(command)
main.add_command(runs)
main.add_command(users)
