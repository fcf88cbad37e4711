"""Where and when something was measured, and RESULTS.md, which says so."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.table import Report

RESULTS = Path(__file__).parent / "RESULTS.md"


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def write(report: Report, began: datetime, arguments: list[str]) -> None:
    """Writes RESULTS.md, over the one before."""
    minutes = (now() - began).total_seconds() / 60
    head = [
        "# What was measured",
        f"`make bench` on {began:%d %B %Y}, {minutes:.0f} minutes, commit {commit()}"
        + (f", with `{' '.join(arguments)}`" if arguments else "")
        + ".",
        f"{machine()} Load average at the end: {os.getloadavg()[0]:.1f}.",
    ]
    RESULTS.write_text("\n\n".join([*head, report.text()]) + "\n")
    print(f"\nWritten to {RESULTS.relative_to(Path.cwd())}")


def machine() -> str:
    """The machine in a sentence: no name, no path."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()}, "
        f"{_interpreter()}, SQLAlchemy {version('SQLAlchemy')}."
    )


def commit() -> str:
    """The commit that was measured; says so if there are changes on top of it."""
    root = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip().replace("-dirty", " with changes")


def _interpreter() -> str:
    """Its version, and whose: one compiled without its optimisations takes a sixth more CPU for all this."""
    whose = "not the system's own"
    if sys.base_prefix == "/usr":
        with suppress(OSError):
            whose = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"Python {platform.python_version()}, {whose}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
