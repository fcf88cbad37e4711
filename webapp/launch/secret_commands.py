"""`mailrun secrets rotate`: encrypts what is stored again, after the secret key has been changed."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp import sealing
from webapp.console import or_fail, say
from webapp.extensions import runtime
from webapp.sealing import SealCounts
from webapp.translation import _


@click.group("secrets")
def secret_commands() -> None:
    """The passwords of documents, which the database keeps encrypted."""


@secret_commands.command("rotate")
@with_appcontext
def rotate() -> None:
    """Encrypt every stored password with the present secret key. MAILRUN_SECRET_KEY_OLD names the one before.

    Mails go out meanwhile. Can be called again at any time, also after it was interrupted. Exit status 1 if
    some passwords cannot be read."""
    done = or_fail(lambda: sealing.rotate(runtime().database, "command line"))
    for line in in_words(done):
        say(line)
    if done.unreadable:
        raise SystemExit(1)


def in_words(done: SealCounts) -> list[str]:
    """What was done, a sentence each."""
    told = [_("Encrypted %(sealed)s with the present secret key.", sealed=_passwords(done.sealed))]
    if not done.sealed and not done.unreadable:
        told = [_("Nothing to do: everything is encrypted with the present secret key.")]
    if done.unreadable:
        more = ", …" if done.unreadable > len(done.customers) else ""
        told.append(
            _(
                "%(unreadable)s cannot be read with any key of this machine, and stayed as they "
                "are: customers %(customers)s%(more)s. Put the key that they were encrypted with "
                "into MAILRUN_SECRET_KEY_OLD and call this again. If it is lost, import these "
                "passwords again, or set them on the pages of the customers.",
                unreadable=_passwords(done.unreadable),
                customers=", ".join(done.customers),
                more=more,
            )
        )
    else:
        told.append(_("MAILRUN_SECRET_KEY_OLD is needed no more."))
    return told


def _passwords(n: int) -> str:
    return "1 password" if n == 1 else f"{n:,} passwords"
