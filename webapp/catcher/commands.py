"""`mailrun catcher`: the mail catcher alone."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp.catcher import server
from webapp.catcher.box import Box
from webapp.extensions import runtime
from webapp.translation import _


@click.command("catcher")
@with_appcontext
def catcher() -> None:
    """Catch mails on this machine's MAILRUN_CATCHER_PORT; they are seen at /dev/mailbox."""
    settings = runtime().settings
    click.echo(
        _(
            "Catching mails on %(host)s port %(catcher_port)s.",
            host=server.HOST,
            catcher_port=settings.catcher_port,
        )
    )
    try:
        server.serve(Box(settings.home / "caught"), settings.catcher_port)
    except OSError as problem:
        raise click.ClickException(
            _(
                "cannot listen on %(host)s port %(catcher_port)s: %(strerror)s; "
                "MAILRUN_CATCHER_PORT chooses another",
                host=server.HOST,
                catcher_port=settings.catcher_port,
                strerror=problem.strerror,
            )
        ) from None
