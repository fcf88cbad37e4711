"""Case-insensitive search on both databases: SQLite's own `lower` knows only A to Z."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


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
    """Teaches this connection the function."""
    connection.create_function("fold", 1, _small, deterministic=True)


def _small(text: str | None) -> str | None:
    return None if text is None else text.lower()


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
