"""messaging.toml: mail servers, senders, recipient keys, transformations, templates and definitions.

A table says everything about its thing: a key that is left out has its default, also if the thing is stored
with another value."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webapp.imports import toml_values as check
from webapp.imports.kinds import longest
from webapp.imports.problems import Problems
from webapp.imports.toml_lines import TomlLines, lines_of
from webapp.imports.toml_values import TomlCheck
from webapp.imports.values import shown
from webapp.store.customers import RecipientKey
from webapp.store.definitions import MessageDefinition, MessageTemplate, TemplateText
from webapp.store.invoices import Transformation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import OutputType, Security, TemplateFormat

FILE = "messaging.toml"
LARGEST = 10 * 1024 * 1024
NEEDED = object()
"""The default of a key that must be there."""

MOST_CONNECTIONS = 1000
MOST_A_MINUTE = 10_000_000

Name = str | tuple[str, str]
"""What a thing is found by; for a text of a template, the template's name and the language."""


@dataclass(frozen=True)
class Key:
    check: TomlCheck
    default: Any = NEEDED


@dataclass
class Entry:
    """One table of the file, checked; a wrong value is None."""

    line: int
    values: dict[str, Any]
    lines: Callable[[str], int]


@dataclass
class Messaging:
    """What the file says: its tables by kind, those with a name."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: {table: [] for table in NATURAL})

    def names(self, table: str) -> set[str]:
        """The names in this kind of table, also of those with something wrong."""
        return {entry.values[NATURAL[table][0]] for entry in self.entries[table]}


NATURAL = {
    "mail_server": ("name",),
    "sender": ("key",),
    "recipient_key": ("key",),
    "transformation": ("name",),
    "template": ("name", "language"),
    "definition": ("name",),
}


def keys(bcc_domains: Sequence[str] = ()) -> dict[str, dict[str, Key]]:
    """The keys of every table. `bcc_domains`: where a Bcc may go; none: anywhere."""
    transformation = longest(Transformation.name)
    return {
        "mail_server": {
            "name": Key(check.text(longest(MailServer.name))),
            "host": Key(check.host(longest(MailServer.host))),
            "port": Key(check.whole(1, 65535)),
            "security": Key(check.word(Security)),
            "username": Key(check.text(longest(MailServer.username), empty=True), ""),
            "password_env": Key(check.variable, ""),
            "rate_per_minute": Key(check.whole(0, MOST_A_MINUTE), 0),
            "max_connections": Key(check.whole(1, MOST_CONNECTIONS), 4),
        },
        "sender": {
            "key": Key(check.text(longest(Sender.key))),
            "address": Key(check.address),
            "display_name": Key(check.text(longest(Sender.display_name), empty=True), ""),
            "reply_to": Key(check.address_or_none, ""),
            "envelope_sender": Key(check.address_or_none, ""),
            "mail_server": Key(check.text(longest(MailServer.name))),
        },
        "recipient_key": {
            "key": Key(check.text(longest(RecipientKey.key))),
            "description": Key(check.text(10_000, empty=True), ""),
        },
        "transformation": {
            "name": Key(check.text(transformation)),
            "output_type": Key(check.word(OutputType)),
            "autogenerate": Key(check.truth, False),
        },
        "template": {
            "name": Key(check.text(longest(MessageTemplate.name))),
            "format": Key(check.word(TemplateFormat)),
            "language": Key(check.language(longest(TemplateText.language)), ""),
            "source": Key(check.source),
        },
        "definition": {
            "name": Key(check.text(longest(MessageDefinition.name))),
            "from_key": Key(check.text(longest(Sender.key))),
            "recipient_key": Key(check.text(longest(RecipientKey.key))),
            "subject": Key(check.subject(longest(MessageDefinition.subject))),
            "template": Key(check.text(longest(MessageTemplate.name))),
            "transformations": Key(check.names(transformation), []),
            "no_documents": Key(check.truth, False),
            "zip": Key(check.truth, False),
            "password_key": Key(check.text(longest(MessageDefinition.password_key), empty=True), ""),
            "collate": Key(check.truth, False),
            "bcc": Key(check.addresses(bcc_domains), []),
        },
    }


def read(path: Path, problems: Problems, bcc_domains: Sequence[str] = ()) -> Messaging:
    """What the file says, with every problem that shows without looking at what is stored."""
    messaging = Messaging()
    text = _text(path, problems)
    if text is None:
        return messaging
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _spoil(problems, _line_of(error, text), "line", f"is not TOML: {error}")
        return messaging
    lines = lines_of(text)
    allowed = keys(bcc_domains)
    for table, rows in content.items():
        if table not in allowed:
            problems.add(FILE, lines.of(table, 0), table, f"is no table of this file; it has {_list(allowed)}")
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            _spoil(problems, lines.of(table, 0), table, f"must be written as [[{table}]], once for each")
        else:
            for index, row in enumerate(rows):
                _add(messaging, table, _entry(table, allowed[table], row, index, lines, problems), problems)
    for definition in messaging.entries["definition"]:
        _judge_documents(definition, problems)
    return messaging


def note_unknown(messaging: Messaging, stored: dict[str, set[str]], problems: Problems) -> None:
    """Notes references to what is neither in the file nor among the `stored` names, by table."""
    if FILE in problems.incomplete:
        return
    for table, key, target in REFERENCES:
        known = messaging.names(target) | stored[target]
        for entry in messaging.entries[table]:
            given = entry.values[key]
            for name in given if isinstance(given, list) else [given]:
                if name is not None and name not in known:
                    words = f"there is no [[{target}]] {shown(name)}, neither in this file nor stored"
                    problems.add(FILE, entry.lines(key), key, words)


REFERENCES = (
    ("sender", "mail_server", "mail_server"),
    ("definition", "from_key", "sender"),
    ("definition", "recipient_key", "recipient_key"),
    ("definition", "template", "template"),
    ("definition", "transformations", "transformation"),
)


def _text(path: Path, problems: Problems) -> str | None:
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        _spoil(problems, 0, "", f"cannot be read: {error.strerror}")
        return None
    if len(raw) > LARGEST:
        _spoil(problems, 0, "", f"is larger than {LARGEST:,} bytes")
        return None
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        _spoil(problems, line, "line", "is not UTF-8; save the file as UTF-8")
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
    table: str, allowed: dict[str, Key], row: dict[str, Any], index: int, lines: TomlLines, problems: Problems
) -> Entry:
    def line(key: str = "") -> int:
        return lines.of(table, index, key)

    for key in row:
        if key not in allowed:
            words = f"is no key of [[{table}]]; it has {_list(allowed)}"
            problems.add(FILE, line(key), key, words)
    checked: dict[str, Any] = {}
    for name, key in allowed.items():
        checked[name] = None
        if name in row:
            try:
                checked[name] = key.check(row[name])
            except ValueError as wrong:
                problems.add(FILE, line(name), name, str(wrong))
        elif key.default is NEEDED:
            problems.add(FILE, line(), name, f"is missing from this [[{table}]]")
        else:
            checked[name] = key.default
    return Entry(line(), checked, line)


def _add(messaging: Messaging, table: str, entry: Entry, problems: Problems) -> None:
    """Keeps the entry, unless nobody could refer to it; one name stands once, a template once a language."""
    natural = NATURAL[table]
    if entry.values[natural[0]] is None:
        problems.incomplete.add(FILE)
        return
    for other in messaging.entries[table]:
        if all(entry.values[key] == other.values[key] for key in natural):
            words = f"{shown(entry.values[natural[0]])} stands in line {other.line} already"
            if table == "template":
                words += f", for the same language ({entry.values['language'] or 'everybody else'})"
            problems.add(FILE, entry.lines(natural[0]), natural[0], words)
        elif table == "template" and entry.values["name"] == other.values["name"]:
            _judge_formats(entry, other, problems)
    messaging.entries[table].append(entry)


def _judge_formats(entry: Entry, other: Entry, problems: Problems) -> None:
    mine, theirs = entry.values["format"], other.values["format"]
    if None not in (mine, theirs) and mine != theirs:
        words = f"is {mine}, but {theirs} in line {other.lines('format')}; a template has one format"
        problems.add(FILE, entry.lines("format"), "format", words)


def _judge_documents(definition: Entry, problems: Problems) -> None:
    """A definition has transformations, or says that there are none."""
    transformations, none = definition.values["transformations"], definition.values["no_documents"]
    if transformations == [] and none is False:
        words = "are none; name at least one, or say no_documents = true"
        problems.add(FILE, definition.lines("transformations"), "transformations", words)
    if transformations and none:
        words = "is true, but transformations are named; leave out one of the two"
        problems.add(FILE, definition.lines("no_documents"), "no_documents", words)


