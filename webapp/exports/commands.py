"""`mailrun export FOLDER [--documents] [--with-passwords]`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp import notation
from webapp.console import or_fail, say
from webapp.exports.folder import export_folder
from webapp.extensions import runtime
from webapp.sealed import secret_names
from webapp.translation import _


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--documents", "with_documents", is_flag=True, help="Also write every document.")
@click.option("--with-passwords", is_flag=True, help="Also write the passwords of documents, in plain text.")
@with_appcontext
def export_command(folder: Path, with_documents: bool, with_passwords: bool) -> None:
    """Write everything into an empty FOLDER that `mailrun import` takes: importing it changes nothing."""
    parts = runtime()
    written = or_fail(
        lambda: export_folder(
            parts.database,
            parts.documents,
            folder,
            with_documents=with_documents,
            with_passwords=with_passwords,
            actor="command line",
        )
    )
    say(_("Exported to %(folder)s:", folder=folder))
    wide = max(map(len, written))
    for name, count in written.items():
        say(f"{name:{wide}}  {notation.number(count):>9}")
    if with_passwords:
        say(
            _(
                "It holds the addresses of customers and the passwords of their documents: only you may read "
                "it."
            )
        )
        return
    say(_("It holds the addresses of customers: only you may read it."))
    with parts.database.reading() as session:
        left_out = sorted(secret_names(session))
    if left_out:
        fields = ", ".join(f"metadata.{name}" for name in left_out)
        say(
            _(
                "The passwords of documents (%(fields)s) are not in it: an import of this folder leaves them "
                "as they are, and a new database would have none. To write them too: --with-passwords",
                fields=fields,
            )
        )
