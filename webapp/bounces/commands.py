"""`mailrun bounces`: read the mailboxes now, take mails at a port, and list what came back."""

from __future__ import annotations

import json
import sys
import threading

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from webapp import audit
from webapp.access import OPERATOR
from webapp.bounces import listening, listing, reading
from webapp.bounces.listening import ReturnPort
from webapp.console import fail, say
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.store.bounces import Mailbox
from webapp.store.types import iso
from webapp.stored_texts import retold
from webapp.translation import _

bounce_commands = AppGroup("bounces", help="Mails that came back.")


@bounce_commands.command("read")
@click.option("--mailbox", "name", metavar="NAME", default="", help="Only this mailbox.")
@with_appcontext
def read_mailboxes(name: str) -> None:
    """Read the mailboxes now, and print what came back. Exit status 1: one could not be read."""
    parts = runtime()
    try:
        with parts.database.writing() as session:
            reading.ask_for_reading(session, parts.settings.redirect_to)
            audit.note(session, OPERATOR.name, "read mailboxes", "mailboxes", name or "all")
    except Refused as refusal:
        fail(str(refusal))
    with parts.database.reading() as session:
        rows = session.execute(select(Mailbox.id, Mailbox.name).order_by(Mailbox.name)).all()
    chosen = [(id, known) for id, known in rows if name in ("", known)]
    if name and not chosen:
        fail(_("There is no mailbox “%(name)s”.", name=name))
    troubled = False
    for mailbox_id, known in chosen:
        found = reading.read(parts, mailbox_id, threading.Event())
        if found is None:
            say(_("%(mailbox)s: a worker reads it now", mailbox=known))
            continue
        troubled |= bool(found.trouble)
        told = _(
            "%(mailbox)s: %(read)s read, %(bounced)s bounced, %(unmatched)s unmatched, %(later)s later",
            mailbox=known,
            read=found.read,
            bounced=found.bounced,
            unmatched=found.unmatched,
            later=found.later,
        )
        say(f"{told}. {retold(found.trouble)}" if found.trouble else told)
    sys.exit(int(troubled))


@bounce_commands.command("list")
@click.option("--unmatched", "only_unmatched", is_flag=True, help="Only those that wait for a person.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_appcontext
def list_returned(only_unmatched: bool, as_json: bool) -> None:
    """List what came back, the newest first: unmatched mails, then the latest that were matched."""
    with runtime().database.reading() as session:
        lines = listing.unmatched(session, OPERATOR)
        if not only_unmatched:
            lines += listing.matched(session, OPERATOR, None)[: listing.SHOWN_MAX]
        for line in lines:
            mail = line.mail
            if as_json:
                told = {"id": mail.id, "read_at": iso(mail.read_at), "kind": mail.kind, "state": mail.state}
                told |= {"from": mail.sent_from, "recipient": mail.recipient, "code": mail.code}
                told |= {"reply": mail.reply, "effect": mail.effect, "result": mail.result_id}
                click.echo(json.dumps({**told, "guess": mail.guess_result_id}))
                continue
            about = line.number if mail.result_id else _("unmatched")
            said = (f"{mail.read_at:%Y-%m-%d %H:%M}", mail.recipient or mail.sent_from, line.says, about)
            say("\t".join(word for word in said if word))


@bounce_commands.command("listen")
@with_appcontext
def listen_for_returned() -> None:
    """Take mails that come back by SMTP or LMTP, at each mailbox that is a port of Mailrun's own."""
    parts = runtime()
    if not listening.return_ports(parts.database):
        say(_("No mailbox is a port of Mailrun’s own yet. Once you add one, it is opened."))

    def said(port: ReturnPort) -> None:
        say(
            _(
                "%(mailbox)s: taking mails at %(host)s:%(port)s",
                mailbox=port.name,
                host=port.host,
                port=port.port,
            )
        )

    try:
        listening.listen(parts, said)
    except OSError as problem:
        why = problem.strerror or str(problem)
        fail(
            _(
                "A port cannot be opened: %(why)s. Give its mailbox another one, or end the program that has "
                "it.",
                why=why,
            )
        )
