"""`mailrun servers`: mail servers from the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from webapp.access import OPERATOR
from webapp.console import say
from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.settings import servers
from webapp.smtp.connection_check import CheckedConnection
from webapp.smtp.recorded import Speaker
from webapp.store.mailservers import MailServer
from webapp.translation import _

server_commands = AppGroup("servers", help="Mail servers.")

MARKS = {Speaker.CLIENT: ">", Speaker.SERVER: "<", Speaker.NOTE: "*"}


@server_commands.command("check")
@click.argument("name")
@click.option(
    "--send-to", metavar="ADDRESS", default="", help="Ask whether the server takes mails to this address."
)
@click.option("--test-mail", is_flag=True, help="Send a short mail to that address, too.")
def check(name: str, send_to: str, test_mail: bool) -> None:
    """Check the connection to the mail server NAME, step by step. Exit status 1: mails cannot be sent over
    it."""
    if test_mail and not send_to:
        raise click.UsageError(_("--test-mail needs --send-to ADDRESS"))
    parts = runtime()
    try:
        recipient = checked_address(send_to) if send_to else ""
    except BadAddress as problem:
        raise click.ClickException(f"{send_to}: {problem}") from None
    with parts.database.reading() as session:
        server = session.scalar(select(MailServer).where(MailServer.name == name))
        if server is None:
            known = ", ".join(session.scalars(select(MailServer.name).order_by(MailServer.name)))
            raise click.ClickException(
                _(
                    "there is no mail server “%(name)s”; there is: %(known)s",
                    name=name,
                    known=known or _("none"),
                )
            )
        who = OPERATOR.name if test_mail else ""
        plan = servers.plan_check(session, server, recipient, test_mail_for=who)
    checked = plan.run(parts.settings, parts.database)
    with parts.database.writing() as session:
        servers.note_check(session, OPERATOR.name, server, checked)
    _tell(checked)
    if checked.problem:
        sys.exit(1)


def _tell(checked: CheckedConnection) -> None:
    for line in checked.lines:
        say(f"{line.at:6.2f} s {MARKS[line.speaker]} {line.text}")
    for warning in checked.warnings:
        say(_("note: %(warning)s", warning=warning))
    if checked.problem:
        say(_("wrong: %(problem)s", problem=checked.problem))
    elif checked.taken:
        say(_("ok: the server took the test mail: %(reply)s", reply=checked.taken))
    else:
        say(_("ok: mails can be sent over this server."))
