"""`mailrun users`: accounts from the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from webapp import audit
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.store.statuses import Role
from webapp.users import accounts

users = AppGroup("users", help="Accounts of the people who work with Mailrun.")


@users.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="How the person is called on the pages.")
@click.option(
    "--cluster", "clusters", metavar="TAG", multiple=True, help="Sees only this cluster and those below."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
def create(email: str, role: str, name: str, clusters: tuple[str, ...], password_stdin: bool) -> None:
    """Make an account for EMAIL. Asks for the password, twice, without showing it."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with runtime().database.writing() as session:
            user = accounts.create_user(session, email, password, role, name, clusters)
            audit.note(session, OPERATOR.name, "user created", user.email, f"role {role}")
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{user.email} can log in, with the role {role}.")
