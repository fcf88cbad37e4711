"""What is wrong with a folder: every problem with its file, line and column. One cause is told once, with the
number of its problems and the first lines, however many there are."""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from webapp import notation
from webapp.translation import _

NO_COLUMN, BAD_HEADER, BAD_LINE, UNKNOWN, REPEATED = "no column", "header", "line", "unknown", "repeated"
"""Kinds of problems: a column is missing from the header, the header is wrong otherwise, a line cannot be
read, a value names what does not exist, or what stands in another line already."""
MOST_TOLD = 100
"""Lines of a refusal."""
ALIKE_MAX = 3
"""Up to this many problems of one cause are told one by one."""
LINES_TOLD = 5
CAUSES_MAX = 2_000
"""Causes that are kept apart. Beyond it, problems are only counted."""

VALUE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+@\S+|[0-9]+|0x[0-9a-f]+")
"""What differs between two problems of one cause: the values that they name."""


@dataclass(frozen=True, order=True)
class Problem:
    """Line 0 stands for the file as a whole. `kind`: what kind of problem it is, where it is not a value."""

    file: str
    line: int
    column: str
    words: str
    kind: str = field(default="", compare=False)

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.words}"
        return f"{self.file}:{self.line}: {self.column}: {self.words}"


@dataclass
class Cause:
    """Problems of one column that differ only in the values that they name: the first ones, by line, and how
    many there are."""

    first: list[Problem] = field(default_factory=list)
    total: int = 0

    def add(self, problem: Problem) -> None:
        """Count one more."""
        self.total += 1
        insort(self.first, problem)
        del self.first[LINES_TOLD:]

    def told(self) -> list[tuple[Problem, int]]:
        """Each problem by itself if they are few, else the first, with the lines of the next and the number
        of all. Beside each, how many it stands for."""
        if self.total <= ALIKE_MAX:
            return [(problem, 1) for problem in self.first]
        first, *others = self.first
        lines = ", ".join(notation.number(problem.line) for problem in others)
        told = {"words": first.words, "total": notation.number(self.total), "lines": lines}
        words = _("%(words)s (in %(total)s lines: also %(lines)s)", **told)
        if left := self.total - len(self.first):
            more = notation.number(left)
            words = _("%(words)s (in %(total)s lines: also %(lines)s and %(more)s more)", **told, more=more)
        return [(Problem(first.file, first.line, first.column, words), self.total)]


class ImportRefused(Exception):
    """Nothing was imported. `errors` are the first ones, in the order of files and lines; `total` is how many
    problems there are, `untold` how many of these no error tells."""

    def __init__(self, errors: Sequence[str], total: int | None = None, untold: int = 0) -> None:
        self.errors = list(errors)
        self.total = len(self.errors) if total is None else total
        self.untold = untold
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(
            [
                *self.errors,
                *([_("and %(number)s more", number=notation.number(self.untold))] if self.untold else []),
            ]
        )


class TooMuchRemoved(ImportRefused):
    """The import would take away more than it may."""


class Problems:
    """Collects problems in bounded memory.

    `incomplete` are the files of which some lines could not be read at all: what they miss is unknown, so
    references into them are not judged. `unknown`: file and column → the first names there of what does not
    exist, each once. Warnings do not keep a folder from being imported. `each` is told of
    every problem; of what only all rows together show it is told `rows_max` of a cause."""

    def __init__(self, each: Callable[[Problem], None] | None = None, rows_max: int = MOST_TOLD) -> None:
        self._each = each
        self.rows_max = rows_max
        self.causes: dict[tuple[str, str, str], Cause] = {}
        self.doubts: dict[tuple[str, str, str], Cause] = {}
        self.total = 0
        self.incomplete: set[str] = set()
        self.unknown: dict[tuple[str, str], list[str]] = {}

    def add(self, file: str, line: int, column: str, words: str, kind: str = "") -> None:
        """Note one problem."""
        self.add_some([Problem(file, line, column, words, kind)], 1)

    def add_some(self, first: Sequence[Problem], total: int) -> None:
        """Note `total` problems of one cause, of which these are the first."""
        self.total += total
        for problem in first:
            _sort(self.causes, problem)
            if self._each is not None:
                self._each(problem)
        if first and (cause := self.causes.get(_cause_of(first[0]))):
            cause.total += total - len(first)

    def warn(self, file: str, line: int, column: str, words: str) -> None:
        """Note what may be a mistake."""
        _sort(self.doubts, Problem(file, line, column, words))

    @property
    def warnings(self) -> list[str]:
        """What may be a mistake, in the order of files and lines."""
        return [str(problem) for problem, _n in _told(self.doubts.values())][:MOST_TOLD]

    def refuse(self) -> None:
        """Raise ImportRefused if there is any problem."""
        if not self.total:
            return
        told = _told(self.causes.values())[:MOST_TOLD]
        untold = self.total - sum(count for _problem, count in told)
        raise ImportRefused([str(problem) for problem, _n in told], self.total, untold)


def _sort(causes: dict[tuple[str, str, str], Cause], problem: Problem) -> None:
    key = _cause_of(problem)
    if key in causes or len(causes) < CAUSES_MAX:
        causes.setdefault(key, Cause()).add(problem)


def _cause_of(problem: Problem) -> tuple[str, str, str]:
    return problem.file, problem.column, VALUE.sub("…", problem.words)


def _told(causes: Iterable[Cause]) -> list[tuple[Problem, int]]:
    return sorted(told for cause in causes for told in cause.told())
