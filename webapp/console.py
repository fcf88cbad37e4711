"""What the commands share: refusals, options, the run that is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import OPERATOR, visible_to
from webapp.errors import Refused
from webapp.printable import printable
from webapp.store.runs import Run
from webapp.translation import _

F = TypeVar("F", bound=Callable[..., Any])


def options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


DAY = click.DateTime(["%Y-%m-%d"])
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


ID = click.IntRange(1, 2**63 - 1)
"""The id of a run or a result: no database has others."""


T = TypeVar("T")


def say(words: str, *, err: bool = False) -> None:
    """Print one line. What data bring along, such as a name with ESC in it, does nothing to the terminal."""
    click.echo(printable(words), err=err)


def fail(words: str) -> NoReturn:
    say(f"mailrun: {words}", err=True)
    sys.exit(1)


def or_fail(verb: Callable[[], T]) -> T:
    try:
        return verb()
    except Refused as refusal:
        fail(str(refusal))


def visible_run(session: Session, run_id: int) -> Run:
    run = session.scalar(select(Run).where(Run.id == run_id, visible_to(OPERATOR, Run)))
    if run is None:
        fail(_("There is no run %(run_id)s.", run_id=run_id))
    return run
