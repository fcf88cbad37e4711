"""Search on both databases, for texts as people type them.

A run's own search looks through its results in any case (`contains`, `says`). Customers and invoices are too
many for that: what they are found by is kept beside them in search tables, folded by `searchable`, with an
index of trigrams (FTS5 on SQLite, GIN over an array on PostgreSQL; both are part of the core). Texts of fewer
than three letters have no trigram: for them the table is read through."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnClause,
    ColumnElement,
    Select,
    String,
    TableClause,
    Text,
    column,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from webapp.store.types import Key

CUSTOMER_SEARCH = table("customer_search", column("rowid", Key), column("text", Text))
"""A row for each customer, by its id: code, name, addresses and metadata (webapp/found_by.py)."""
INVOICE_SEARCH = table("invoice_search", column("rowid", Key), column("text", Text))
"""A row for a few invoices, by the id of the first: their numbers (webapp/found_by.py). A million rows would
take an import longer than the invoices themselves."""

TRIGRAM = 3


def search_words(wanted: str) -> list[str]:
    """What a person typed as folded words, each of which must be found."""
    return fold_text(wanted.replace("\x00", "")).split()


def found_in(session: Session, searched: TableClause, wanted: str) -> Select[int]:
    """The ids of the rows of a search table that contain every word of `wanted`; all of them without a
    word."""
    words, text = search_words(wanted), searched.c.text
    said = [text.contains(word, autoescape=True) for word in words]
    if not words or _are_in_many(session, searched, said):
        return select(searched.c.rowid).where(*said)
    return select(searched.c.rowid).where(*(_says_word(text, word) for word in words))


SAMPLE, MANY = 200, 50


def _are_in_many(session: Session, searched: TableClause, said: list[ColumnElement[bool]]) -> bool:
    """Whether a quarter of the first rows contain all words. Some rows are then found sooner by reading the
    texts than by collecting from the index all that may have the words."""
    first = select(searched.c.rowid).limit(SAMPLE).scalar_subquery()
    rows = select(func.count()).select_from(searched).where(searched.c.rowid.in_(first), *said)
    return (session.scalar(rows) or 0) >= MANY


HAS_TRIGRAM = re.compile("[^%_]{3}")


def _says_word(text: Any, word: str) -> ColumnElement[bool]:
    """Whether the text contains the word, by its trigrams if it has any: for LIKE, % and _ are any letters.
    Of two conditions, one of them without a trigram, SQLite 3.40 makes a segmentation fault if FTS5 is to
    answer both."""
    found: ColumnElement[bool] = text.contains(word, autoescape=True)
    return holds(text, word) if HAS_TRIGRAM.search(word) else found


def may_hold(text: Any, *words: str) -> ColumnElement[bool]:
    """Whether the search table's text has every trigram of these folded words, each of which has one at
    least."""
    trigrams = [word[at : at + TRIGRAM] for word in words for at in range(len(word) - TRIGRAM + 1)]
    query = " AND ".join('"' + each.replace('"', '""') + '"' for each in trigrams)
    return has_trigrams(text, literal(query, Text), *(literal(word, Text) for word in words))


class has_trigrams(GenericFunction[bool]):
    """`has_trigrams(text, query, word, ...)`: whether a search table's text has every trigram of the words,
    which FTS5 is asked for by the query."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As a condition of its own (see `holds`)."""
        return self


@compiles(has_trigrams, "sqlite")
def _match(element: has_trigrams, compiler: Any, **kwargs: Any) -> str:
    """The whole row is asked: FTS5 keeps no columns apart here."""
    text, query, *_ = element.clauses
    return f"{text.table.name} MATCH {compiler.process(query, **kwargs)}"


@compiles(has_trigrams, "postgresql")
def _in_gin(element: has_trigrams, compiler: Any, **kwargs: Any) -> str:
    text, _, *words = element.clauses
    wanted = " || ".join(f"trigrams({compiler.process(word, **kwargs)})" for word in words)
    return f"trigrams({compiler.process(text, **kwargs)}) @> ({wanted})"


class holds(GenericFunction[bool]):
    """`holds(text, word)`: whether a search table's text contains this folded word."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As a condition of its own. SQLAlchemy would compare it with 1 for SQLite, which has no booleans,
        and SQLite would then read through the table instead of asking the trigrams."""
        return self


@compiles(holds, "sqlite")
def _by_fts5(element: holds, compiler: Any, **kwargs: Any) -> str:
    """LIKE is what FTS5 answers by its trigrams, but not with ESCAPE: `%` and `_` are let match anything, and
    instr looks again."""
    text, word = (compiler.process(clause, **kwargs) for clause in element.clauses)
    pattern = f"'%' || replace({word}, '%', '_') || '%'"
    return f"({text} LIKE {pattern} AND instr({text}, {word}) > 0)"


@compiles(holds, "postgresql")
def _by_gin(element: holds, compiler: Any, **kwargs: Any) -> str:
    text, word = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(trigrams({text}) @> trigrams({word}) AND strpos({text}, {word}) > 0)"


class searchable(GenericFunction[str]):
    """A text folded for searching and sorting: small letters without accents (`fold_text`)."""

    type = String()
    inherit_cache = True


@compiles(searchable, "postgresql")
def _searchable(element: searchable, compiler: Any, **kwargs: Any) -> str:
    return f"searchable({compiler.process(element.clauses, **kwargs)})"


@compiles(searchable, "sqlite")
def _searchable_in_sqlite(element: searchable, compiler: Any, **kwargs: Any) -> str:
    """A column that is ASCII, as nearly all are, is lowered without a call of Python."""
    [clause] = element.clauses
    text = compiler.process(clause, **kwargs)
    if not isinstance(clause, ColumnClause):
        return f"searchable({text})"  # it may be costly to compute
    return f"CASE WHEN {text} GLOB '*[^ -~]*' THEN searchable({text}) ELSE lower({text}) END"


LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
"""Letters that stand for themselves in Unicode, and that people type as these."""
_LETTERS = str.maketrans(LETTERS)
MARKS = re.compile("[\u0300-\u036f]")


def fold_text(text: str) -> str:
    """The text in small letters without accents, in the decomposed compatible form (NFKD). The SQL function
    `searchable` (migration 0015) does the same on PostgreSQL."""
    if text.isascii():
        return text.lower()
    return MARKS.sub("", unicodedata.normalize("NFKD", text).lower()).translate(_LETTERS)


class folded(GenericFunction[str]):
    """The text in lower case, as Python's `str.lower` has it."""

    type = String()
    inherit_cache = True


@compiles(folded)
def _lower(element: folded, compiler: Any, **kwargs: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kwargs)})"


@compiles(folded, "sqlite")
def _fold(element: folded, compiler: Any, **kwargs: Any) -> str:
    return f"fold({compiler.process(element.clauses, **kwargs)})"


def add_to(connection: sqlite3.Connection) -> None:
    """Teaches this connection the functions."""
    connection.create_function("fold", 1, _small, deterministic=True)
    connection.create_function("searchable", 1, _folded, deterministic=True)


def _small(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _folded(text: str | None) -> str | None:
    return None if text is None else fold_text(text)


def contains(folded_column: Any, wanted: str) -> ColumnElement[bool]:
    """Whether a column of lower-case text contains these characters, in any case."""
    found: ColumnElement[bool] = folded_column.contains(wanted.lower(), autoescape=True)
    return found


class says(GenericFunction[bool]):
    """Whether a text (English, or a server's) matches a pattern, ignoring case. SQLite's LIKE ignores the
    case of A to Z; `icontains` would make it lower every text first."""

    type = Boolean()
    inherit_cache = True


@compiles(says)
def _ilike(element: says, compiler: Any, **kwargs: Any) -> str:
    text, pattern = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"{text} ILIKE {pattern} ESCAPE '/'"


@compiles(says, "sqlite")
def _like(element: says, compiler: Any, **kwargs: Any) -> str:
    text, pattern = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"{text} LIKE {pattern} ESCAPE '/'"


def like_pattern(wanted: str) -> str:
    """The pattern for these characters, anywhere in a text."""
    for special in "/%_":
        wanted = wanted.replace(special, "/" + special)
    return f"%{wanted}%"
