"""The fault table as it stands: `make test-faults`, or `python -m tests.faults.table [--times 3] [-k …]`.

Runs every row, the slow ones too, several times, each time with fresh worker interpreters, and prints how
often each held. Exit status 1 if any did not.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

from tests.launch.launched import ROOT

ROW = re.compile(r"test_(f\d\d)_(\w+)")


@dataclass
class Row:
    """What became of a row's tests, over all rounds."""

    what: set[str] = field(default_factory=set)
    held: int = 0
    tried: int = 0
    expected: int = 0
    skipped: int = 0
    seconds: float = 0.0


def tried_once(chosen: argparse.Namespace, rows: dict[str, Row]) -> bool:
    """One round; adds to `rows`. Whether everything held."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "tests/faults", "-m", "slow_fault or not slow_fault"]
        command += ["-n", chosen.processes, f"--junitxml={report}", *(["-k", chosen.k] if chosen.k else [])]
        environ = {"MAILRUN_FAULTS_EXEC": "1", **os.environ}
        ended = subprocess.run(command, cwd=ROOT, env=environ)
        for case in xml.parse(report).iter("testcase"):
            if name := ROW.match(case.get("name", "")):
                note(rows.setdefault(name[1].upper(), Row()), name[2], case)
    return ended.returncode == 0


def note(row: Row, what: str, case: xml.Element) -> None:
    """Adds one test's outcome to its row."""
    row.what.add(what.replace("_", " "))
    row.seconds += float(case.get("time", 0))
    skipped = case.find("skipped")
    if skipped is not None and skipped.get("type") != "pytest.xfail":
        row.skipped += 1
        return
    row.tried += 1
    row.expected += skipped is not None
    row.held += skipped is None and case.find("failure") is None and case.find("error") is None


def show(rows: dict[str, Row]) -> None:
    """Prints the table."""
    print(f"\n{'row':<5}{'held / tried':>13} {'seconds':>8}  what")
    for id, row in sorted(rows.items()):
        notes = [f"{row.expected} known not to hold yet"] if row.expected else []
        notes += [f"{row.skipped} could not be tried here"] if row.skipped else []
        words = "; ".join(sorted(row.what)) + "".join(f" ({note})" for note in notes)
        print(f"{id:<5}{f'{row.held} / {row.tried}':>13} {row.seconds:>8.1f}  {words}")
    held, tried = (sum(getattr(row, name) for row in rows.values()) for name in ("held", "tried"))
    print(f"{len(rows)} of 48 rows; {held} of {tried} held")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("-n", dest="processes", default="2", help="test processes side by side")
    parser.add_argument("-k", default="", help="only these tests, as pytest chooses them")
    chosen = parser.parse_args()
    rows: dict[str, Row] = {}
    well = [tried_once(chosen, rows) for _ in range(chosen.times)]
    show(rows)
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
