"""Which customers a search finds, looked up once for each page: it asks several times, to count them, to
choose the way to its rows, and for the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp.store.engine_events import WRITES
from webapp.store.text_search import CUSTOMER_SEARCH, found_in, search_words

_FOUND = "customers found"


@dataclass(frozen=True)
class _Found:
    """The ids that were looked up: all of them, or `at_most` and one more."""

    ids: Sequence[int]
    at_most: int

    def says(self, at_most: int) -> bool:
        """Whether these answer for this number, too."""
        return len(self.ids) <= self.at_most or at_most <= self.at_most


def customers_with(session: Session, wanted: str, at_most: int) -> Sequence[int]:
    """The ids of the customers whose code, name, addresses, also former ones, or metadata contain every word;
    of many, `at_most` and one more. A session that writes looks them up every time: what it sees may have
    changed."""
    words = " ".join(search_words(wanted))
    known: dict[str, _Found] = session.info.setdefault(_FOUND, {})
    found = known.get(words)
    if found is None or not found.says(at_most):
        rows = found_in(session, CUSTOMER_SEARCH, wanted).limit(at_most + 1)
        found = _Found(session.scalars(rows).all(), at_most)
        if not session.connection().engine.get_execution_options().get(WRITES):
            known[words] = found
    return found.ids[: at_most + 1]
