"""What a check found, or an import did, as the page shows it: counts, rows that change, errors by cause."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from webapp.imports.changes import CHANGED, KEPT, KEPT_REMOVED, NEW, REMOVED, SOURCE_WINS, RowChange
from webapp.imports.folder import Imported
from webapp.imports.problems import BAD_HEADER, BAD_LINE, NO_COLUMN, UNKNOWN, Cause, Problem, Problems
from webapp.intake.preparing import Understood
from webapp.intake.set_folders import SetFolder
from webapp.intake.uploaded_files import UploadedTable
from webapp.translation import _, ngettext

ROWS_SHOWN = 200
CAUSES_SHOWN = 100
LINES_SHOWN = 20
NAMES_SHOWN = 5
EACH_ERROR_MAX = 10_000
"""Of one cause that only all rows together show: as many are written into the file of errors."""
ORDER = (REMOVED, SOURCE_WINS, CHANGED, KEPT, KEPT_REMOVED, NEW)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet may take for a formula."""


NOTHING: dict[str, Any] = {
    **dict.fromkeys(("counts", "rows", "errors", "refused", "warnings", "suspects", "unmatched"), ()),
    **dict.fromkeys(("rows_total", "errors_total", "causes_total", "removed", "suspect"), 0),
    **dict.fromkeys(("left_out", "unknown_clusters"), ()),
    **dict.fromkeys(("documents", "matched", "unmatched_total", "only_gross", "left_out_total"), 0),
    "skippable": {},
    "no_address": {"count": 0, "lines": [], "file": ""},
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
        read = [f"{name} {value}" for name, value in row.read.items() if value not in (None, "")]
        told = "; ".join([*row.differences, *read])
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
        "rows": [
            [row.words, row.kind, row.row, list(row.differences), _plain(row.read)]
            for row in ordered[:ROWS_SHOWN]
        ],
        "rows_total": sum(each["new"] + each["changed"] + each["removed"] + each["kept"] for each in counts),
        "removed": sum(each["removed"] for each in counts),
        "too_much_removed": bool(done.refusal),
        "warnings": list(done.warnings[:CAUSES_SHOWN]),
        "changes_anything": done.changed_anything,
        "can_apply": True,
    }


def _plain(read: Mapping[str, Any]) -> dict[str, Any]:
    """What a new row says, as JSON has it."""
    return {name: value if isinstance(value, int) else str(value) for name, value in read.items()
            if value not in (None, "")}  # fmt: skip


def of_reading(found: Understood, tables: Sequence[UploadedTable]) -> dict[str, Any]:
    """What was understood of the files, and the lines that a person leaves out."""
    left_out = [
        [table.name, len(lines), lines[:LINES_SHOWN]]
        for table in tables
        if (lines := sorted({line for each in table.skipped.values() for line in each}))
    ]
    with_addresses = (each.name for each in tables if each.kind == "emails.csv" or each.address_columns)
    no_address = {"count": found.no_address.count, "lines": found.no_address.first}
    return {
        "left_out": left_out,
        "left_out_total": sum(count for _name, count, _lines in left_out),
        "only_gross": found.only_gross,
        "no_address": {**no_address, "file": next(with_addresses, "")},
    }


def of_errors(problems: Problems) -> dict[str, Any]:
    """What is wrong, by cause: the first error of each, how many there are, and the first lines. First come
    those that explain others: lines that cannot be read, columns that are missing, then what does not exist;
    then the most frequent."""
    causes = sorted(problems.causes.values(), key=_rank)
    errors = []
    for cause in causes[:CAUSES_SHOWN]:
        first = cause.first[0]
        names = problems.unknown.get((first.file, first.column), []) if first.kind == UNKNOWN else []
        error = {
            "file": first.file,
            "line": first.line,
            "column": first.column,
            "words": _words(first, names),
            "kind": first.kind,
            "count": cause.total,
            "lines": [problem.line for problem in cause.first],
        }
        errors.append(error)
    return {
        "unknown_clusters": problems.unknown.get(("customers.csv", "cluster"), []),
        "errors": errors,
        "errors_total": problems.total,
        "causes_total": len(causes),
        "warnings": problems.warnings[:CAUSES_SHOWN],
        "can_apply": False,
    }


EXPLAINING = (BAD_LINE, BAD_HEADER, NO_COLUMN, UNKNOWN)
"""Kinds of problems that explain others, in this order."""
FILES_IN_ORDER = ("clusters.csv", "customers.csv", "emails.csv", "invoices.csv", "transformation_results.csv")


def _rank(cause: Cause) -> tuple[int, int, int, Problem]:
    first = cause.first[0]
    rank = EXPLAINING.index(first.kind) if first.kind in EXPLAINING else len(EXPLAINING)
    file = FILES_IN_ORDER.index(first.file) if first.file in FILES_IN_ORDER else -1
    return (rank, file if rank < len(EXPLAINING) else 0, -cause.total, first)


def _words(problem: Problem, names: Sequence[str]) -> str:
    """What is wrong, as the page says it; `names`: all that do not exist, for a reference to one."""
    if problem.kind == NO_COLUMN:
        return _("no column of the file is this. Choose below which one is, or what it is in every line")
    if not names:
        return problem.words
    shown = ", ".join(f"“{name}”" for name in names[:NAMES_SHOWN])
    if (more := len(names) - NAMES_SHOWN) > 0:
        shown = _("%(names)s and %(count)s more", names=shown, count=more)
    count = len(names)
    match problem.column:
        case "cluster":
            return ngettext(
                "there is no cluster %(names)s", "there are no clusters %(names)s", count, names=shown
            )
        case "customer_code":
            return ngettext(
                "there is no customer %(names)s. Import the customers first",
                "there are no customers %(names)s. Import the customers first",
                count,
                names=shown,
            )
        case "invoice_number":
            return ngettext(
                "there is no invoice %(names)s. Import the invoices first",
                "there are no invoices %(names)s. Import the invoices first",
                count,
                names=shown,
            )
        case "key":
            return ngettext(
                "there is no recipient key %(names)s. An administrator adds it under Settings",
                "there are no recipient keys %(names)s. An administrator adds them under Settings",
                count,
                names=shown,
            )
    return problem.words
