"""`mailrun catcher`: the mail catcher alone."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp.catcher import server
from webapp.catcher.box import Box
from webapp.extensions import runtime


@click.command("catcher")
@with_appcontext
def catcher() -> None:
    """Catch mails on this machine's MAILRUN_CATCHER_PORT; they are seen at /dev/mailbox."""
    settings = runtime().settings
    click.echo(f"Catching mails on {server.HOST} port {settings.catcher_port}.")
    try:
        server.serve(Box(settings.home / "caught"), settings.catcher_port)
    except OSError as problem:
        raise click.ClickException(
            f"cannot listen on {server.HOST} port {settings.catcher_port}: {problem.strerror}; "
            "MAILRUN_CATCHER_PORT chooses another"
        ) from None
