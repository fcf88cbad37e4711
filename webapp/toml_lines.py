"""Where the tables and keys of a TOML file stand, since the reader of the standard library does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TABLE = re.compile(r"\s*\[{1,2}\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*\]{1,2}\s*(?:#.*)?$")
KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")
TOKEN = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|#")
CLOSING = {'"""': re.compile(r'(?:\\.|[^\\])*?"""'), "'''": re.compile(r".*?'''")}


@dataclass
class TomlLines:
    """`tables` has the line of each table header, in order, by name; `keys` that of each key within it."""

    tables: dict[str, list[int]] = field(default_factory=dict)
    keys: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def of(self, table: str, index: int, key: str = "") -> int:
        """The line of the key in the table of this name and index, else of the table; line 1 for what was
        written in a way that is not understood here."""
        headers = self.tables.get(table, [])
        own = headers[index] if index < len(headers) else self.keys.get(("", 0, table), 1)
        return self.keys.get((table, index, key), own)


def lines_of(text: str) -> TomlLines:
    """Finds the headers and keys at the beginnings of lines, outside multi-line strings."""
    found = TomlLines()
    table, inside = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if not inside:
            if header := TABLE.match(line):
                table = header[1].strip("\"'")
                found.tables.setdefault(table, []).append(number)
            elif key := KEY.match(line):
                index = max(0, len(found.tables.get(table, [])) - 1)
                found.keys.setdefault((table, index, key[1].strip("\"'")), number)
        inside = _left_open(line, inside)
    return found


def _left_open(line: str, inside: str) -> str:
    """The quotes of the multi-line string that is open at the end of the line, given those at its
    beginning."""
    position = 0
    while True:
        if inside:
            closing = CLOSING[inside].match(line, position)
            if closing is None:
                return inside
            position, inside = closing.end(), ""
        token = TOKEN.search(line, position)
        if token is None or token[0] == "#":
            return ""
        position = token.end()
        if token[0] in CLOSING:
            inside = token[0]
