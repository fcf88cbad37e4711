"""What is wrong with an upload, told of the files as the person has them: addresses by their column in the
file of customers, without lines that are left out, and what is missing once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from webapp.imports.kinds import AMOUNTS
from webapp.imports.problems import BAD_HEADER, NO_COLUMN, Problem, Problems
from webapp.intake.column_words import PERIOD
from webapp.intake.columns import DAYS
from webapp.intake.laying_out import CUSTOMERS, EMAILS, LaidOut
from webapp.intake.uploaded_files import UploadedTable

LEFT_OUT_MAX = 1_000
"""Lines that a person may leave out at once: with more, the file is wrong, not its lines."""


class SourceProblems(Problems):
    """`each` is told of problems as they are shown. `lines`: by file of the import format, those that have a
    problem; `is_by_line`: whether leaving them out would leave no problem."""

    def __init__(
        self, each: Callable[[Problem], None], rows_max: int, tables: Sequence[UploadedTable], layout: LaidOut
    ) -> None:
        super().__init__(each, rows_max)
        self._layout = layout
        self._by_kind = {table.kind: table for table in tables if table.kind}
        self.lines: dict[str, set[int]] = {}
        self.is_by_line = True

    def add_some(self, first: Sequence[Problem], total: int) -> None:
        """Note `total` problems of one cause, of which these are the first."""
        shown = [self._at_source(each) for each in first]
        kept = [each for each in shown if each is not None]
        if len(first) < total:
            self.is_by_line = False
        if left := total - (len(first) - len(kept)):
            super().add_some(kept, left)

    def warn(self, file: str, line: int, column: str, words: str) -> None:
        """Note what may be a mistake."""
        shown = self._moved(Problem(file, line, column, words))
        super().warn(shown.file, shown.line, shown.column, shown.words)

    def skippable(self) -> dict[str, list[int]]:
        """The lines to leave out, by file, if nothing else is wrong and most of each file is left."""
        rows = self._layout.found.rows
        count = sum(map(len, self.lines.values()))
        is_few = all(len(lines) < rows.get(file, count + 1) for file, lines in self.lines.items())
        if not self.is_by_line or self.incomplete or not 0 < count <= LEFT_OUT_MAX or not is_few:
            return {}
        return {file: sorted(lines) for file, lines in self.lines.items()}

    def _at_source(self, problem: Problem) -> Problem | None:
        """The problem as it is shown; None: it is not."""
        moved = self._moved(problem)
        if problem.kind == NO_COLUMN:
            self.is_by_line = False
            return self._missing(moved)
        table = self._by_kind.get(moved.file)
        if table is None or not problem.line or problem.kind == BAD_HEADER:
            self.is_by_line = False
            return moved
        if moved.line in table.skipped.get(problem.file, ()):
            return None
        self.lines.setdefault(problem.file, set()).add(moved.line)
        return moved

    def _moved(self, problem: Problem) -> Problem:
        origin = self._layout.addresses
        if problem.file != EMAILS or origin is None:
            return problem
        line, header = origin.source(problem.line)
        return replace(problem, file=CUSTOMERS, line=line, column=header)

    def _missing(self, problem: Problem) -> Problem | None:
        """Of columns that follow from others, the one that a person chooses."""
        table = self._by_kind.get(problem.file)
        if table is None or problem.column in table.missing:
            return problem
        if problem.column == DAYS[0] and PERIOD in table.missing:
            return replace(problem, column=PERIOD)
        return None if problem.column in (*DAYS, *AMOUNTS) else problem


def lines_of(skippable: Mapping[str, Sequence[int]]) -> int:
    """How many lines these are."""
    return sum(map(len, skippable.values()))
