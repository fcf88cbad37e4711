"""Checks what people read: no word that docs/style.md rules out, no template line over 120 columns.

Of tests and benchmarks it reads comments and docstrings only: their other texts are data. Standard library
only. Prints one line per finding, as file:line: what is wrong; ends with status 1 if there is any."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
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


def lines_of(name: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file that people read."""
    text = (ROOT / name).read_text()
    if name.endswith(".py") and name.startswith(("tests/", "benchmarks/")):
        yield from prose_of(text)
    else:
        yield from enumerate(text.splitlines(), 1)


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """The comments and docstrings of a Python file, line by line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from enumerate(node.value.value.splitlines(), node.lineno)


def findings() -> Iterator[str]:
    """Every finding, file by file."""
    pattern = words_that_are_out()
    listed = subprocess.run(
        ["git", "ls-files", *TEXT_FILES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if name == STYLE or NOT_OURS.search(name) or not (ROOT / name).is_file():
            continue
        for number, line in lines_of(name):
            for word in pattern.findall(line):
                yield f"{name}:{number}: “{word}” is out ({STYLE})"
            if name.startswith("templates/") and len(line) > TEMPLATE_COLUMNS:
                yield f"{name}:{number}: {len(line)} columns; at most {TEMPLATE_COLUMNS}"


if __name__ == "__main__":
    found = list(findings())
    print("\n".join(found) if found else "No word that is out, no long template line.")
    sys.exit(bool(found))
