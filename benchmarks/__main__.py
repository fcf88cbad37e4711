"""`python -m benchmarks`: measures, prints the tables, and writes RESULTS.md."""

from __future__ import annotations

import sys

from benchmarks import lists, machine, options, send, sets, slow_network
from benchmarks.table import Report


def main() -> None:
    """Runs the parts that were asked for."""
    told = options.parse()
    report, began = Report(), machine.now()
    if "send" in told.only:
        send.measure(told, report)
    if "slow" in told.only:
        slow_network.measure(told, report)
    if "sets" in told.only:
        sets.measure(told, report)
    if "lists" in told.only:
        lists.measure(told, report)
    print("\n" + report.text())
    if told.quick or told.profile:
        print("\nNothing is written: these are not the numbers of a full run.")
    else:
        machine.write(report, began, sys.argv[1:])


if __name__ == "__main__":
    main()
