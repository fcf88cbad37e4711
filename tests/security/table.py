"""The security checks as they stand: `make test-security`, or `python -m tests.security.table [C5 C6 …]`.

Each check has an id (C1 to C30). Its tests stand in their room, or here if they are about every page, and
name it by a marker: `@pytest.mark.security("C5")`. Runs them all and prints, for each id, what is checked,
which tests check it and whether they held. Exit status 1 if any did not, or if an id has no test."""

from __future__ import annotations

import re
import sys

from tests.faults.table import Row, note
from tests.found_table import EVERY, ran, show
from tests.launch.launched import ROOT

CHECKED = {
    "C1": "every route, for everyone: stranger, viewer, managers of two clusters, administrator",
    "C2": "a manager finds and changes nothing of another cluster, by whatever id",
    "C3": "no run over another cluster, no copy to a domain that is not allowed",
    "C4": "no change without the right token; looking changes nothing",
    "C5": "templates stay in their sandbox, and data is never rendered twice",
    "C6": "a template that runs away is ended, and costs nothing else",
    "C7": "templates are changed by those who may, with a version and an entry in the audit trail",
    "C8": "no header of a mail can be smuggled in",
    "C9": "the mail in a preview runs, loads and reaches nothing",
    "C10": "what others wrote is shown as text",
    "C11": "the headers of every answer",
    "C12": "no address leads to another host",
    "C13": "the login tells nothing, and is limited",
    "C14": "sessions end when they should, and their cookie is kept",
    "C15": "secret keys are made, differ, and are readable by their owner only",
    "C16": "what a mail server may be, and what is shown of its answers",
    "C17": "nothing is fetched while mails and previews are made",
    "C18": "passwords are encrypted, and nowhere else",
    "C19": "jobs are known functions with ids, and Redis is private",
    "C20": "uploads and imports: size, type, bombs, paths",
    "C21": "downloads: saved, with a safe name and the right type",
    "C22": "files for spreadsheets have no formulas",
    "C23": "filters, searches and orders are no SQL",
    "C24": "fifty at once have one effect",
    "C25": "fields that a form does not have are ignored",
    "C26": "an error tells an id and no more",
    "C27": "the audit trail has what matters, and cannot be changed",
    "C28": "no text ends a mail early",
    "C29": "limits: a question above many mails, copies, Send again",
    "C30": "dependencies and vendored scripts are those that were looked at",
}
MARK = re.compile(r"pytest\.mark\.security\(([^)]*)\)")
ID = re.compile(r"\bC\d+\b")
INDENT = " " * 30
"""Where the tests of a check stand: under its words."""


def marked() -> dict[str, set[str]]:
    """The files below tests/ that have a test of a check, with the ids that they name."""
    files = (ROOT / "tests").rglob("test_*.py")
    named = {path: set(ID.findall(" ".join(MARK.findall(path.read_text())))) for path in files}
    return {str(path.relative_to(ROOT)): ids for path, ids in sorted(named.items()) if ids}


def tried(chosen: set[str]) -> tuple[dict[str, Row], bool]:
    """What became of every test of the chosen checks, by id; and whether all tests held."""
    rows = {id: Row() for id in CHECKED if id in chosen}
    files = [path for path, ids in marked().items() if ids & chosen]
    cases, well = ran(*files, "-n", "2", "-m", f"security and ({EVERY})")
    for case in cases:
        name = case.get("name", "").partition("[")[0].removeprefix("test_")
        for id in {each.get("value", "") for each in case.iter("property") if each.get("name") == "security"}:
            if id in rows:
                note(rows[id], name, case)
    return rows, well


def words_of(id: str, row: Row) -> str:
    """What is checked, whether it held, and below it the tests."""
    held = "no test" if not row.tried else "held" if row.held == row.tried else "NOT HELD"
    return f"\n{INDENT}".join([f"{held}: {CHECKED[id]}", *sorted(row.what)])


def main() -> None:
    rows, well = tried(set(sys.argv[1:]) or set(CHECKED))
    show(rows, {id: words_of(id, row) for id, row in rows.items()})
    sys.exit(0 if well and all(row.tried for row in rows.values()) else 1)


if __name__ == "__main__":
    main()
