"""`mailrun runs evidence`: a run's evidence as a file."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp import notation
from webapp.access import OPERATOR
from webapp.console import ID, fail, say
from webapp.evidence.archive import evidence
from webapp.extensions import runtime
from webapp.lifecycle import runs
from webapp.translation import _


@click.command("evidence")
@click.argument("run_id", type=ID)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@with_appcontext
def evidence_command(run_id: int, output: Path) -> None:
    """Write every result, attempt and mail of a run to a ZIP. FILE must not exist yet."""
    parts = runtime()
    with parts.database.reading() as session:
        run = runs.run(session, OPERATOR, run_id)
    if run is None:
        fail(_("There is no run %(run)s.", run=run_id))
    aside = output.with_name(f".{output.name}.part")
    try:
        if output.exists():
            fail(_("%(file)s exists already.", file=output))
        with open(aside, "wb") as file:
            for piece in evidence(parts.database, parts.documents, OPERATOR, run):
                file.write(piece)
        aside.replace(output)
    except OSError as problem:
        fail(_("%(file)s cannot be written: %(problem)s", file=output, problem=problem.strerror))
    finally:
        aside.unlink(missing_ok=True)
    size = notation.number(output.stat().st_size)
    say(_("%(file)s: %(number)s bytes", file=output, number=size))
