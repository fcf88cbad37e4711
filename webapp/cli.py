"""The `mailrun` command: one group per room, each in the room's own commands.py."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import click
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy.exc import DBAPIError

from webapp import audit, create_app, notation, translation
from webapp.errors import SettingError

COMMANDS = {
    "up": "webapp.launch.commands:up",
    "web": "webapp.launch.commands:serve_web",
    "worker": "webapp.launch.commands:worker",
    "init": "webapp.launch.commands:init",
    "takeover": "webapp.launch.commands:take_over",
    "doctor": "webapp.launch.commands:doctor",
    "secrets": "webapp.launch.secret_commands:secret_commands",
    "audit": "webapp.audit_trail.commands:audit_commands",
    "bounces": "webapp.bounces.commands:bounce_commands",
    "catcher": "webapp.catcher.commands:catcher",
    "customers": "webapp.privacy.commands:customer_commands",
    "demo": "webapp.demo.commands:demo",
    "import": "webapp.imports.commands:import_command",
    "export": "webapp.exports.commands:export_command",
    "plans": "webapp.plans.commands:plan_commands",
    "runs": "webapp.run_commands:runs",
    "servers": "webapp.settings.commands:server_commands",
    "users": "webapp.users.commands:users",
}
"""Where each command is. Only the one that is called is imported: all of them together take a second."""
WITH_PAGES = ("web",)
"""The commands that serve pages; all others start faster without."""
UNATTENDED = ("web", "worker")
"""What these say goes into a log: in English."""


class Commands(FlaskGroup):
    """Tells what a person can fix in one line, without a stack trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command of this name, in the language of the terminal; None if there is none."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command = cast(click.Command, getattr(import_module(module), attribute))
        if name not in UNATTENDED:
            translation.use_environment()
            audit.origin.set("command line")
            _translate_help(command, ctx)
        return command

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


def _translate_help(command: click.Command, context: click.Context) -> None:
    """Have the help of this command, and of those below it, say in the reader's language what it says in
    English."""
    if notation.current().language == translation.ENGLISH:
        return
    command.help = translation.translated(command.help or "")
    command.short_help = translation.translated(command.short_help or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = translation.translated(parameter.help or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                _translate_help(below, context)


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
