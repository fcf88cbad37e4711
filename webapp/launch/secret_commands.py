"""`mailrun secrets rotate`: encrypts what is stored again, after the secret key has been changed."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp import sealing
from webapp.console import or_fail, say
from webapp.extensions import runtime
from webapp.sealing import SealCounts


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
    told = [f"Encrypted {_passwords(done.sealed)} with the present secret key."]
    if not done.sealed and not done.unreadable:
        told = ["Nothing to do: everything is encrypted with the present secret key."]
    if done.unreadable:
        more = ", …" if done.unreadable > len(done.customers) else ""
        told.append(
            f"{_passwords(done.unreadable)} cannot be read with any key of this machine, and stayed as they "
            f"are: customers {', '.join(done.customers)}{more}. Put the key that they were encrypted with "
            "into MAILRUN_SECRET_KEY_OLD and call this again. If it is lost, import these passwords again, "
            "or set them on the pages of the customers."
        )
    else:
        told.append("MAILRUN_SECRET_KEY_OLD is needed no more.")
    return told


def _passwords(n: int) -> str:
    return "1 password" if n == 1 else f"{n:,} passwords"
