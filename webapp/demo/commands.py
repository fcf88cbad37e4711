"""`mailrun demo`: the demo company, for a database that is still empty."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from webapp.demo import loading
from webapp.extensions import runtime
from webapp.store.types import now


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo company into an empty database; anywhere else, do nothing."""
    loading.load(runtime(), now().astimezone().date(), click.echo)
