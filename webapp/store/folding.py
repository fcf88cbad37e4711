"""`lower` that folds every letter, on both databases: SQLite's own knows only A to Z."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class folded(GenericFunction[str]):
    """The text in small letters, as Python's `str.lower` has it."""

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


def mentions(folded_column: Any, wanted: str) -> ColumnElement[bool]:
    """Whether a column of folded text has these characters in it, in any case."""
    found: ColumnElement[bool] = folded_column.contains(wanted.lower(), autoescape=True)
    return found
