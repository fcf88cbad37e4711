"""Checks what people read: no word that docs/style.md rules out, names in code included, and no template line
over 120 columns.

Standard library only. Prints one line per finding, as file:line: what is wrong; ends with status 1 if there
is any."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
STYLE = "docs/style.md"
TEXT_FILES = ("*.py", "*.html", "*.md", "*.js", "*.css", "*.toml", "*.sh", "Makefile", "bin/*", ".ci/*")
NOT_OURS = re.compile(r"static/.*\.min\.js|webapp/migrations/versions/|benchmarks/RESULTS\.md")
TEMPLATE_COLUMNS = 120


def words_that_are_out() -> re.Pattern[str]:
    """The left column of the table in docs/style.md as one pattern for whole words."""
    section = (ROOT / STYLE).read_text().partition("## Words that are out")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|", section, re.M)[1:]  # without the table's head
    words = [word.strip() for row in rows for word in row.split(",") if not row.startswith("---")]
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.I)


def findings() -> Iterator[str]:
    """Every finding, file by file."""
    pattern = words_that_are_out()
    listed = subprocess.run(  # noqa: S603  # a command of our own, a list: no shell reads it
        ["git", "ls-files", *TEXT_FILES],  # noqa: S607  # git of the developer
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if name == STYLE or NOT_OURS.search(name) or not (ROOT / name).is_file():
            continue
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            for word in pattern.findall(line.replace("_", " ")):
                yield f"{name}:{number}: “{word}” is out ({STYLE})"
            if name.startswith("templates/") and len(line) > TEMPLATE_COLUMNS:
                yield f"{name}:{number}: {len(line)} columns; at most {TEMPLATE_COLUMNS}"


if __name__ == "__main__":
    found = list(findings())
    print("\n".join(found) if found else "No word that is out, no long template line.")
    sys.exit(bool(found))
