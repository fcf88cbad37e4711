"""What is wrong with a folder: every problem with its file, line and column; the first hundred are kept."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TOLD = 100


@dataclass(frozen=True, order=True)
class Problem:
    """Line 0 stands for the file as a whole."""

    file: str
    line: int
    column: str
    words: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.words}"
        return f"{self.file}:{self.line}: {self.column}: {self.words}"


class ImportRefused(Exception):
    """Nothing was imported. `errors` are the first ones, in the order of files and lines, `total` is how
    many there are."""

    def __init__(self, errors: Sequence[str], total: int | None = None) -> None:
        self.errors = list(errors)
        self.total = len(self.errors) if total is None else total
        super().__init__(str(self))

    def __str__(self) -> str:
        more = self.total - len(self.errors)
        return "\n".join([*self.errors, *([f"and {more} more"] if more else [])])


class Problems:
    """Collects problems in bounded memory.

    `incomplete` are the files of which some lines could not be read at all: what they miss is unknown, so
    references into them are not judged."""

    def __init__(self) -> None:
        self.first: list[Problem] = []
        self.total = 0
        self.incomplete: set[str] = set()

    def add(self, file: str, line: int, column: str, words: str) -> None:
        """Notes one problem."""
        self.add_some([Problem(file, line, column, words)], 1)

    def add_some(self, first: Sequence[Problem], total: int) -> None:
        """Notes `total` problems, of which these are the first."""
        self.total += total
        for problem in first:
            insort(self.first, problem)
        del self.first[MOST_TOLD:]

    def refuse(self) -> None:
        """Raises ImportRefused if there is any problem."""
        if self.total:
            raise ImportRefused([str(problem) for problem in self.first], self.total)
