"""What strangers found, as it stands: `make test-found`, or `python -m tests.found_table`.

Each finding has an id (A1 to F15), and its tests stand in their room with the id in their names. Runs them
all, the slow ones too, and prints which held. Exit status 1 if any did not, or if an id has no test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

from tests.faults.table import Row, note
from tests.launch.launched import ROOT

FOUND = {"A": 6, "B": 10, "C": 8, "D": 3, "E": 16, "F": 15}
"""How many findings each part has."""
WITHOUT_TEST = {
    "E15": "done in docs/scaling.md",
}
"""Findings that no test shows, and why."""
EVERY = "slow_found or not slow_found"
ALONE = "tests/launch/test_besieged.py"
"""What takes the whole machine, and would disturb what is measured beside it."""
NAME = re.compile(r"test_([a-f]\d{1,2})_(\w+)")


def ids() -> list[str]:
    """Every id, in order."""
    return [f"{part}{number}" for part, most in FOUND.items() for number in range(1, most + 1)]


def test_files() -> list[str]:
    """The files with a test of a finding; those of the fault table have ids of their own."""
    files = (ROOT / "tests").rglob("test_*.py")
    ours = (path for path in files if "faults" not in path.parts and NAME.search(path.read_text()))
    return sorted(str(path.relative_to(ROOT)) for path in ours)


def ran(*arguments: str) -> tuple[list[xml.Element], bool]:
    """Run these tests, the slow ones too: a `testcase` for each, and whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"]
        ended = subprocess.run(command, cwd=ROOT, env={**os.environ})
        return list(xml.parse(report).iter("testcase")), ended.returncode == 0


def tried() -> tuple[dict[str, Row], bool]:
    """What became of every test of a finding, by its id; and whether all held."""
    rows: dict[str, Row] = {id: Row() for id in ids()}
    chosen = " or ".join(f"test_{id.lower()}_" for id in ids())
    beside = [path for path in test_files() if path != ALONE]
    cases, well = ran(*beside, "-k", chosen, "-n", "2", "-m", EVERY)
    alone, also_well = ran(ALONE, "-m", EVERY)
    for case in cases + alone:
        if name := NAME.match(case.get("name", "")):
            note(rows.setdefault(name[1].upper(), Row()), name[2].partition("[")[0], case)
    return rows, well and also_well


def show(rows: dict[str, Row], words: dict[str, str]) -> None:
    """Print the table, with these words for each id."""
    print(f"\n{'id':<5}{'held / tried':>13} {'seconds':>8}  what")
    for id, row in rows.items():
        print(f"{id:<5}{f'{row.held} / {row.tried}':>13} {row.seconds:>8.1f}  {words[id]}")
    held, all_tried = (sum(getattr(row, name) for row in rows.values()) for name in ("held", "tried"))
    print(f"{sum(bool(row.tried) for row in rows.values())} of {len(rows)} ids; {held} of {all_tried} held")


def main() -> None:
    rows, well = tried()
    show(
        rows, {id: "; ".join(sorted(row.what)) or WITHOUT_TEST.get(id, "no test") for id, row in rows.items()}
    )
    untested = [id for id, row in rows.items() if not row.what and id not in WITHOUT_TEST]
    sys.exit(0 if well and not untested else 1)


if __name__ == "__main__":
    main()
