"""`mailrun export FOLDER [--documents]`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp.console import or_fail, say
from webapp.exports.folder import export_folder
from webapp.extensions import runtime


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--documents", "with_documents", is_flag=True, help="Also write every document.")
@with_appcontext
def export_command(folder: Path, with_documents: bool) -> None:
    """Write everything into an empty FOLDER that `mailrun import` takes: importing it changes nothing."""
    parts = runtime()
    written = or_fail(
        lambda: export_folder(
            parts.database, parts.documents, folder, with_documents=with_documents, actor="command line"
        )
    )
    say(f"Exported to {folder}:")
    wide = max(map(len, written))
    for name, count in written.items():
        say(f"{name:{wide}}  {count:>9,}")
    say("It holds the addresses of customers and the passwords of their documents: only you may read it.")
