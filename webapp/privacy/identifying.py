"""The words by which a customer can be told: name, addresses, display names, and what the metadata say. What
others wrote, such as a report of an import, is searched for them when the customer is erased."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from webapp.printable import printable
from webapp.privacy.without_addresses import HIDDEN
from webapp.sealed import is_sealed
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.runs import Attempt, Result
from webapp.store.text_search import fold_text, like_pattern, says

VALUE_LETTERS_MIN, NAME_LETTERS_MIN = 5, 3
"""Shorter texts are in everything: hiding them would make other records unreadable."""


@dataclass(frozen=True)
class Identifying:
    """The words of one customer, the longest first."""

    words: tuple[str, ...] = field(repr=False)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        spelled = (re.escape(word) for word in self.words)
        return re.compile(r"(?<!\w)(?:" + "|".join(spelled) + r")(?!\w)", re.IGNORECASE)

    def hide(self, text: str) -> str:
        """The text with … in the place of each of the words."""
        return self._pattern.sub(HIDDEN, text) if self.words else text

    def hide_in(self, value: Any) -> Any:
        """The same for everything in a JSON value, names of fields too."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_in(each) for each in value]
        if isinstance(value, dict):
            return {self.hide(name): self.hide_in(each) for name, each in value.items()}
        return value

    def found_in(self, column: Any) -> ColumnElement[bool]:
        """Whether a column of text may have one of them. SQLite folds the letters A to Z only: so those
        with others are looked for as they are written and in small letters, too."""
        spelled = {each for word in self.words for each in (word, word.lower(), word.upper())}
        return or_(False, *(says(column, like_pattern(each)) for each in sorted(spelled)))


def of_customer(session: Session, customer: Customer) -> Identifying:
    """The words of this customer, with the addresses that it was ever mailed at."""
    emails = session.execute(
        select(CustomerEmail.address, CustomerEmail.display_name).where(
            CustomerEmail.customer_id == customer.id
        )
    ).all()
    mailed = [
        *session.scalars(select(Result.recipients).where(Result.customer_id == customer.id)),
        *session.scalars(
            select(Attempt.recipients)
            .join(Result, Result.id == Attempt.result_id)
            .where(Result.customer_id == customer.id, func.length(Attempt.sha256) > 0)
        ),
    ]
    addresses = {address for each in mailed for address in each or ()} | {row.address for row in emails}
    names = {customer.name, *(row.display_name for row in emails)}
    values = {str(value) for value in customer.extra.values() if not is_sealed(value)}
    return Identifying(
        _spelled([*_long(names, NAME_LETTERS_MIN), *addresses, *_long(values, VALUE_LETTERS_MIN)])
    )


def _long(words: Iterable[str], least: int) -> list[str]:
    return [word for word in words if len(word.strip()) >= least]


def _spelled(words: Iterable[str]) -> tuple[str, ...]:
    """The words as they may be written elsewhere: in the address of a page, in search texts, in the trail."""
    spellings = (str, str.strip, printable, fold_text, quote, quote_plus)
    found = {spell(word) for word in words for spell in spellings}
    return tuple(sorted(found - {""}, key=lambda word: (-len(word), word)))
