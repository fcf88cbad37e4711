"""Which mails a person should read before approving a run: the ends, the unusual, and some by chance."""

from __future__ import annotations

import random
from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.results.rows import ResultRow, load_details, rows_query
from webapp.store.customers import Customer
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE
from webapp.translation import _

LANGUAGES_MAX = 3
BY_CHANCE = 2
"""How many are drawn, unless a person asks for others."""
OTHERS = 5


@dataclass(frozen=True)
class MailToRead:
    """A mail, and why it was picked."""

    why: str
    row: ResultRow


def mails_to_read(session: Session, run: Run, viewer: Viewer, draw: int = 0) -> list[MailToRead]:
    """The largest amount, the largest credit note, one of each further language, and some by chance, each
    mail once. `draw`: 0, or another number to draw others."""
    ours = rows_query(viewer).where(Result.run_id == run.id, Result.status.in_(SENDABLE))
    picked: dict[int, MailToRead] = {}

    def pick(why: str, query: Select[Result, str, str, str]) -> None:
        for found in session.execute(query.where(Result.id.not_in(picked))):
            picked[found[0].id] = MailToRead(why, ResultRow(*found))

    if not draw:
        pick(_("Largest amount"), ours.order_by(Result.amount.desc(), Result.id).limit(1))
        pick(
            _("A credit note"),
            ours.where(Result.amount < Decimal(0)).order_by(Result.amount, Result.id).limit(1),
        )
        for language in _rarer_languages(session, run):
            of_it = ours.where(Customer.language == language).order_by(Result.id).limit(1)
            pick(_("Language: %(language)s", language=language or _("none")), of_it)
    pick(_("By chance"), ours.where(Result.id.in_(_drawn(session, run, draw, picked))))
    load_details(session, run, [each.row for each in picked.values()])
    return list(picked.values())


def _rarer_languages(session: Session, run: Run) -> list[str]:
    """The languages of the run's mails, the rarest first, without the most frequent one."""
    n = func.count()
    rows = session.execute(
        select(Customer.language, n)
        .join(Result, Result.customer_id == Customer.id)
        .where(Result.run_id == run.id, Result.status.in_(SENDABLE))
        .group_by(Customer.language)
        .order_by(n, Customer.language)
    ).all()
    return [language for language, _n in rows[:-1]][:LANGUAGES_MAX]


def _drawn(session: Session, run: Run, draw: int, picked: Container[int]) -> list[int]:
    """Ids of results, drawn by chance: the same for everyone who looks, so that two people can talk about
    them."""
    of_run = select(Result.id).where(Result.run_id == run.id, Result.status.in_(SENDABLE))
    ids = [id for id in session.scalars(of_run.order_by(Result.id)) if id not in picked]
    wanted = OTHERS if draw else BY_CHANCE
    return random.Random(f"{run.message_key} {draw}").sample(ids, min(wanted, len(ids)))  # noqa: S311  # a sample to read, drawn alike each time
