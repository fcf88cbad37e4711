"""messaging.toml: mail servers, senders, recipient keys, transformations, templates and definitions.

A table describes its thing completely: a key that is left out has its default, also if the stored value is
different."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize

from webapp import notation
from webapp.destinations import Service
from webapp.imports.messaging_keys import (
    ADDRESSES,
    NATURAL,
    NEEDED,
    REFERENCES,
    UNSAID,
    TomlKey,
    keys,
    wrong_in_mailbox,
    wrong_in_server,
    wrong_replies,
)
from webapp.imports.problems import Problems
from webapp.imports.values import shown
from webapp.mailing.addresses import doubt_about
from webapp.toml_lines import TomlLines, lines_of
from webapp.translation import _

FILE = "messaging.toml"
LARGEST = 10 * 1024 * 1024


@dataclass
class TomlEntry:
    """One table of the file, checked; a wrong value is None."""

    line: int
    values: dict[str, Any]
    lines: Callable[[str], int]


@dataclass
class Messaging:
    """What the file says: its tables by kind, those with a name."""

    entries: dict[str, list[TomlEntry]] = field(default_factory=lambda: {table: [] for table in NATURAL})
    first: dict[tuple[Any, ...], TomlEntry] = field(default_factory=dict)

    def names(self, table: str) -> set[str]:
        """The names in this kind of table, also of those with something wrong."""
        return {entry.values[NATURAL[table][0]] for entry in self.entries[table]}


def read(path: Path, problems: Problems, bcc_domains: Sequence[str] = ()) -> Messaging:
    """What the file says, with every problem that shows without looking at what is stored."""
    messaging = Messaging()
    text = _text(path, problems)
    if text is None:
        return messaging
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _spoil(problems, _line_of(error, text), "line", _("is not TOML: %(error)s", error=error))
        return messaging
    lines = lines_of(text)
    allowed = keys(bcc_domains)
    for table, rows in content.items():
        if table not in allowed:
            words = _("is no table of this file; it has %(allowed)s", allowed=_list(allowed))
            problems.add(FILE, lines.of(table, 0), table, words)
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            words = _("must be written as [[%(table)s]], once for each", table=table)
            _spoil(problems, lines.of(table, 0), table, words)
        else:
            for index, row in enumerate(rows):
                _add(messaging, table, _entry(table, allowed[table], row, index, lines, problems), problems)
    for definition in messaging.entries["definition"]:
        _judge_documents(definition, problems)
    return messaging


def note_forbidden(
    messaging: Messaging, own_services: Iterable[Service], domains: Sequence[str], problems: Problems
) -> None:
    """Report what no server, sender or definition may have, by the rules of the pages."""
    for server in messaging.entries["mail_server"]:
        for key, words in wrong_in_server(server.values, own_services):
            problems.add(FILE, server.lines(key), key, words)
    for mailbox in messaging.entries["mailbox"]:
        for key, words in wrong_in_mailbox(mailbox.values, own_services):
            problems.add(FILE, mailbox.lines(key), key, words)
    for entry in (*messaging.entries["sender"], *messaging.entries["definition"]):
        for key, words in wrong_replies(entry.values, domains):
            problems.add(FILE, entry.lines(key), key, words)


def note_unknown(messaging: Messaging, stored: dict[str, set[str]], problems: Problems) -> None:
    """Notes references to what is neither in the file nor among the `stored` names, by table."""
    if FILE in problems.incomplete:
        return
    for table, key, target in REFERENCES:
        known = messaging.names(target) | stored[target]
        for entry in messaging.entries[table]:
            given = entry.values[key]
            for name in given if isinstance(given, list) else [given]:
                if name not in (None, UNSAID, "") and name not in known:
                    words = _(
                        "there is no [[%(target)s]] %(name)s, neither in this file nor stored",
                        target=target,
                        name=shown(name),
                    )
                    problems.add(FILE, entry.lines(key), key, words)


def note_formats(
    messaging: Messaging, stored: Mapping[tuple[str, ...], Mapping[str, Any]], problems: Problems
) -> None:
    """Notes templates of another format than is stored, if a language that is stored is not in the file: its
    text would go out in the format of the others. `stored`: (name, language) → values."""
    entries = messaging.entries["template"]
    given = {tuple(entry.values[key] for key in NATURAL["template"]) for entry in entries}
    left = {key: values["format"] for key, values in stored.items() if key not in given}
    for entry in entries:
        name, own = entry.values["name"], entry.values["format"]
        others = sorted(key[1] for key, theirs in left.items() if key[0] == name and theirs != own)
        if own is not None and others:
            languages = ", ".join(language or _("everybody else") for language in others)
            words = _(
                "is %(own)s, but the stored text for %(languages)s is not; give that one, too, or delete it",
                own=own,
                languages=languages,
            )
            problems.add(FILE, entry.lines("format"), "format", words)


def warn_of_addresses(messaging: Messaging, problems: Problems) -> None:
    """Warn of addresses of senders and definitions that are likely to be mistyped."""
    for table, key in ADDRESSES:
        for entry in messaging.entries[table]:
            given = entry.values[key]
            for address in given if isinstance(given, list) else [given]:
                if address and (words := doubt_about(address)):
                    problems.warn(FILE, entry.lines(key), key, words)


def _text(path: Path, problems: Problems) -> str | None:
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        _spoil(problems, 0, "", _("cannot be read: %(strerror)s", strerror=error.strerror))
        return None
    if len(raw) > LARGEST:
        _spoil(problems, 0, "", _("is larger than %(largest)s bytes", largest=notation.number(LARGEST)))
        return None
    try:
        return normalize("NFC", raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        _spoil(problems, line, "line", _("is not UTF-8; save the file as UTF-8"))
        return None


def _spoil(problems: Problems, line: int, column: str, words: str) -> None:
    problems.add(FILE, line, column, words)
    problems.incomplete.add(FILE)


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    told = re.search(r"at line (\d+)", str(error))
    return int(told[1]) if told else text.rstrip("\n").count("\n") + 1


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


def _entry(
    table: str,
    allowed: dict[str, TomlKey],
    row: dict[str, Any],
    index: int,
    lines: TomlLines,
    problems: Problems,
) -> TomlEntry:
    def line(key: str = "") -> int:
        return lines.of(table, index, key)

    for key in row:
        if key not in allowed:
            words = _("is no key of [[%(table)s]]; it has %(allowed)s", table=table, allowed=_list(allowed))
            problems.add(FILE, line(key), key, words)
    checked: dict[str, Any] = {}
    for name, spec in allowed.items():
        checked[name] = None
        if name in row:
            try:
                checked[name] = spec.check(row[name])
            except ValueError as wrong:
                problems.add(FILE, line(name), name, str(wrong))
                if name == NATURAL[table][0] and isinstance(row[name], str):
                    checked[name] = row[name]  # others may refer to it; they are not wrong too
        elif spec.default is NEEDED:
            problems.add(FILE, line(), name, _("is missing from this [[%(table)s]]", table=table))
        else:
            checked[name] = spec.default
    return TomlEntry(line(), checked, line)


def _add(messaging: Messaging, table: str, entry: TomlEntry, problems: Problems) -> None:
    """Keep the entry, unless nothing could refer to it. A name appears once; a template once per language."""
    natural = NATURAL[table]
    if entry.values[natural[0]] is None:
        return
    key = (table, *(entry.values[name] for name in natural))
    other = messaging.first.setdefault(key, entry)
    if other is not entry and None not in key:
        again = {"name": shown(key[1]), "line": other.line}
        words = _("%(name)s stands in line %(line)s already", **again)
        if "language" in natural:
            language = entry.values["language"] or _("everybody else")
            words = _(
                "%(name)s stands in line %(line)s already, for the same language (%(language)s)",
                language=language,
                **again,
            )
        problems.add(FILE, entry.lines(natural[0]), natural[0], words)
    elif table == "template":
        _judge_formats(entry, messaging.first.setdefault(("format of", key[1]), entry), problems)
    messaging.entries[table].append(entry)


def _judge_formats(entry: TomlEntry, other: TomlEntry, problems: Problems) -> None:
    mine, theirs = entry.values["format"], other.values["format"]
    if None not in (mine, theirs) and mine != theirs:
        words = _(
            "is %(mine)s, but %(theirs)s in line %(value)s; a template has one format",
            mine=mine,
            theirs=theirs,
            value=other.lines("format"),
        )
        problems.add(FILE, entry.lines("format"), "format", words)


def _judge_documents(definition: TomlEntry, problems: Problems) -> None:
    """Check that a definition has transformations, or is marked as having none."""
    transformations, none = definition.values["transformations"], definition.values["no_documents"]
    if transformations == [] and none is False:
        words = _("are none; name at least one, or say no_documents = true")
        problems.add(FILE, definition.lines("transformations"), "transformations", words)
    if transformations and none:
        words = _("is true, but transformations are named; leave out one of the two")
        problems.add(FILE, definition.lines("no_documents"), "no_documents", words)
