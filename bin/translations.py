"""Gathers the marked texts and brings translations/*.po up to date: new texts are added empty, those that are
gone are dropped. `--check` changes nothing, says what is out of date or missing, and ends with status 1 if
there is any.

1. Texts of the code and the templates are found by Babel: `_`, `N_`, `ngettext`, trans blocks.
2. Texts of commands are their help, which click reads from docstrings: taken from the commands themselves.
3. A language in COMPLETE must have every text. In all, a translation has the placeholders of its text.

Files carry no line numbers and no dates: they change only where a text does."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from webapp.cli import COMMANDS, main
from webapp.translation import ENGLISH, FOLDER, LANGUAGES

os.environ["LC_ALL"] = "C"  # the help of commands is read in English
ROOT = FOLDER.parent
COMPLETE = ("nl",)
METHODS = [
    ("webapp/migrations/**", "ignore"),
    ("webapp/**.py", "python"),
    ("templates/**.html", "jinja2.ext:babel_extract"),
]
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def extracted() -> Catalog:
    """Every marked text, with the files that have it."""
    catalog = Catalog(project="Mailrun", fuzzy=False)
    for name, _, text, comments, context in extract_from_dir(
        ROOT,
        METHODS,
        OPTIONS,
        KEYWORDS,
        ("Translators:",),
        strip_comment_tags=True,
        directory_filter=_is_ours,
    ):
        catalog.add(text, None, [(name, 0)], auto_comments=comments, context=context)
    for name, text in sorted(set(helps(main, "mailrun"))):
        if text not in catalog:
            catalog.add(text, None, [(name, 0)], flags=["no-python-format"])
    return catalog


def helps(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """The texts of the help of this command and those below it, each with the file of its function."""
    function = getattr(command.callback, "__wrapped__", command.callback)
    code = getattr(function, "__code__", None)
    is_ours = code is not None and Path(code.co_filename).is_relative_to(ROOT / "webapp")
    file = str(Path(code.co_filename).relative_to(ROOT)) if is_ours else "webapp/cli.py"
    texts = [command.help, command.short_help, *(getattr(each, "help", None) for each in command.params)]
    yield from ((file, text) for text in texts if text)
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        names = COMMANDS if command is main else command.list_commands(context)
        for name in names:
            if below := command.get_command(context, name):
                yield from helps(below, f"{path} {name}")


def updated(language: str, template: Catalog) -> Catalog:
    """The catalogue of this language with the texts of today."""
    path = FOLDER / f"{language}.po"
    catalog = Catalog(language, project="Mailrun", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = f"# {LANGUAGES[language]}. `make translations` keeps it up to date."
    catalog.last_translator = catalog.language_team = catalog.msgid_bugs_address = ""
    catalog.creation_date = catalog.revision_date = DAY
    return catalog


def written(catalog: Catalog) -> bytes:
    """The file of this catalogue."""
    file = BytesIO()
    write_po(file, catalog, width=110, sort_output=True, include_lineno=False)
    return file.getvalue()


def faults(catalog: Catalog, language: str) -> Iterator[str]:
    """What is wrong with the translations of this catalogue."""
    for message in catalog:
        if not message.id:
            continue
        forms = message.string if isinstance(message.string, tuple | list) else [message.string]
        if not all(forms):
            if language in COMPLETE or any(forms):
                yield f"{_name(message)}: no translation"
        elif "no-python-format" not in message.flags and any(
            placeholders(form) != placeholders(_longest(message)) for form in forms
        ):
            yield f"{_name(message)}: the placeholders are not those of the text"


def placeholders(text: str) -> set[str]:
    """The names in %(name)s. Raises ValueError where a per cent sign stands alone."""
    names = set(PLACEHOLDER.findall(text)) - {""}
    if "%" in PLACEHOLDER.sub("", text) and names:
        raise ValueError(f"A per cent sign is not written twice: {text}")
    return names


def _longest(message: Message) -> str:
    return max([message.id] if isinstance(message.id, str) else message.id, key=len)


def _name(message: Message) -> str:
    return f"{message.locations[0][0] if message.locations else '?'}: {_longest(message)[:60]!r}"


def _is_ours(path: str) -> bool:
    return Path(path).name not in {"__pycache__", "tests", "benchmarks", "docs", "static", "instance"} and (
        not Path(path).name.startswith(".")
    )


def bring_up_to_date(check: bool) -> list[str]:
    """Write the catalogues, or, to check, say what is out of date."""
    template, wrong = extracted(), []
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        catalog, path = updated(language, template), FOLDER / f"{language}.po"
        content = written(catalog)
        if not check:
            path.write_bytes(content)
        elif not path.exists() or path.read_bytes() != content:
            wrong.append(f"translations/{path.name} is out of date: make translations")
        wrong += [f"{language}: {fault}" for fault in faults(catalog, language)]
        count = sum(bool(message.id) for message in catalog)
        done = sum(bool(message.id and all(_forms(message))) for message in catalog)
        print(f"{LANGUAGES[language]}: {done} of {count} texts")
    return wrong


def _forms(message: Message) -> list[str]:
    return [*message.string] if isinstance(message.string, tuple | list) else [message.string]


if __name__ == "__main__":
    found = bring_up_to_date(check="--check" in sys.argv)
    print("\n".join(found))
    sys.exit(bool(found) and "--check" in sys.argv)
