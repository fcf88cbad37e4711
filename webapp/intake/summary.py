"""What a check found, or an import did, as the page shows it: counts, rows that change, errors by cause."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from webapp.imports.changes import CHANGED, KEPT, KEPT_REMOVED, NEW, REMOVED, SOURCE_WINS, RowChange
from webapp.imports.folder import Imported
from webapp.imports.problems import Problem, Problems
from webapp.intake.set_folders import SetFolder

ROWS_SHOWN = 200
CAUSES_SHOWN = 100
EACH_ERROR_MAX = 10_000
"""Of one cause that only all rows together show: as many are written into the file of errors."""
ORDER = (REMOVED, SOURCE_WINS, CHANGED, KEPT, KEPT_REMOVED, NEW)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet may take for a formula."""


NOTHING: dict[str, Any] = {
    **dict.fromkeys(("counts", "rows", "errors", "refused", "warnings", "suspects", "unmatched"), ()),
    **dict.fromkeys(("rows_total", "errors_total", "causes_total", "removed", "suspect"), 0),
    **dict.fromkeys(("documents", "matched", "unmatched_total"), 0),
    **dict.fromkeys(("too_much_removed", "changes_anything", "can_apply"), False),
}
"""A summary in which nothing is said yet."""


@dataclass
class Notes:
    """Every error and every row that changes, as they are written into files while an import runs."""

    errors: Any
    changes: Any

    def error(self, problem: Problem) -> None:
        """Write one error."""
        self.errors.writerow([problem.file, problem.line or "", problem.column, _harmless(problem.words)])

    def change(self, row: RowChange) -> None:
        """Write one row."""
        told = "; ".join(row.differences)
        self.changes.writerow([row.words, row.kind, _harmless(row.row), _harmless(told)])


@contextmanager
def noting(folder: SetFolder) -> Iterator[Notes]:
    """The files of errors and changes, empty, to be written to."""
    with ExitStack() as stack:

        def opened(path: Any, *head: str) -> Any:
            file: TextIO = stack.enter_context(path.open("w", encoding="utf-8-sig", newline=""))
            writer = csv.writer(file)
            writer.writerow(head)
            return writer

        yield Notes(
            opened(folder.errors, "file", "line", "column", "error"),
            opened(folder.changes, "what", "change", "key", "differences"),
        )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def of_done(done: Imported) -> dict[str, Any]:
    """What an import did, or would do."""
    counts: list[dict[str, Any]] = [
        {
            "words": words,
            "new": each.new,
            "changed": each.changed,
            "unchanged": each.unchanged,
            "removed": each.removed,
            "kept": each.kept + each.kept_removed,
        }
        for words, each in done.counts.items()
    ]
    ordered = sorted(done.rows, key=lambda row: ORDER.index(row.kind))
    return {
        "counts": counts,
        "rows": [[row.words, row.kind, row.row, list(row.differences)] for row in ordered[:ROWS_SHOWN]],
        "rows_total": sum(each["new"] + each["changed"] + each["removed"] + each["kept"] for each in counts),
        "removed": sum(each["removed"] for each in counts),
        "too_much_removed": bool(done.refusal),
        "warnings": list(done.warnings[:CAUSES_SHOWN]),
        "changes_anything": done.changed_anything,
        "can_apply": True,
    }


def of_errors(problems: Problems) -> dict[str, Any]:
    """What is wrong, by cause: the first error of each, how many there are, and the first lines."""
    causes = sorted(problems.causes.values(), key=lambda cause: cause.first[0])
    errors = [
        {
            "file": cause.first[0].file,
            "line": cause.first[0].line,
            "column": cause.first[0].column,
            "words": cause.first[0].words,
            "count": cause.total,
            "lines": [problem.line for problem in cause.first],
        }
        for cause in causes[:CAUSES_SHOWN]
    ]
    return {
        "errors": errors,
        "errors_total": problems.total,
        "causes_total": len(causes),
        "warnings": problems.warnings[:CAUSES_SHOWN],
        "can_apply": False,
    }
