"""A condition of the list of invoices in the two forms in which a database can ask it, and which of several
leads to the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from webapp import keyset
from webapp.store.invoices import Invoice

FEW_MAX, HITS_MAX = 10_000, 1_000
"""Up to this many rows that one condition leaves, or a search hits, are looked up and sorted. Of more, the
index of the order is walked."""


def hits_max() -> int:
    """Up to this many hits of a search are few."""
    return min(FEW_MAX, HITS_MAX)


Check = Callable[[Any], ColumnElement[bool]]
"""A condition on Invoice, or on an alias of it that has the first rows of an index."""


@dataclass(frozen=True)
class Narrowing:
    """One condition on Invoice in two forms: as an index finds its rows (`lookup`), and as it is looked at
    row by row (`check`), which no database takes for a way to find them. `rows` finds the ids.

    `follows` are the names of the orders whose index can begin at it; `within` the status, or none, and the
    days of one that is about these alone (invoices/by_month.py). A `costly` one has no index at all: it asks
    whether something is missing elsewhere. `columns` are what the check looks at beside the id: where they
    are in no index, reading along one takes twice as long."""

    check: Check
    lookup: ColumnElement[bool] | None = None
    rows: Select[int] | None = None
    follows: tuple[str, ...] = ()
    within: tuple[str, date, date] | None = None
    is_search: bool = False
    columns: tuple[Any, ...] = ()

    @property
    def few_max(self) -> int:
        """How many rows are few enough to be looked up."""
        return hits_max() if self.is_search else FEW_MAX

    @property
    def costly(self) -> bool:
        """Whether nothing finds the rows."""
        return self.lookup is None

    def ids(self) -> Select[int]:
        """The ids of the invoices that meet it, as an index finds them."""
        if self.rows is not None:
            return self.rows
        return select(Invoice.id).where(self.check(Invoice) if self.lookup is None else self.lookup)


def conditions(found: Sequence[Narrowing], lead: Narrowing | None) -> list[ColumnElement[bool]]:
    """All of them on Invoice, of which the lead is looked up."""
    return [
        each.lookup if each is lead and each.lookup is not None else each.check(Invoice) for each in found
    ]


def leading(session: Session, found: Sequence[Narrowing]) -> Narrowing | None:
    """The one of them that leaves the fewest rows, to begin with; None if each leaves more than few. SQLite
    keeps no statistics, and would begin with any."""
    sizes = [(keyset.counted(session, each.ids(), each.few_max), each) for each in found if not each.costly]
    few = [(size.n, number, each) for number, (size, each) in enumerate(sizes) if not size.more]
    return min(few)[2] if few else None
