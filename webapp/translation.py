"""What people read, in their language: pages, errors, mails to users, the output of commands.

The English text in the code is the key; translations/<language>.po has the others (docs/translating.md). The
language is that of the person who reads (`notation.current()`); in a worker and in whatever is stored it is
English."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, reduce
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import negotiate_locale
from markupsafe import Markup

from webapp import notation

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "nl": "Nederlands", "de": "Deutsch"}
"""By code, each in its own words."""
FOLDER = Path(__file__).parent.parent / "translations"


def _(message: str, /, **values: object) -> str:
    """The message in the reader's language, with its %(named)s values. A per cent sign is written twice."""
    return texts().gettext(message) % values


def ngettext(singular: str, plural: str, num: int, /, **values: object) -> str:
    """The form that fits the number. `%(num)s` is the number as the reader writes it."""
    values.setdefault("num", notation.number(num))
    return texts().ngettext(singular, plural, num) % values


def markup(message: str, values: Mapping[str, object]) -> Markup:
    """The message as a template shows it: it may have markup, its values are escaped."""
    return Markup(texts().gettext(message)) % values  # noqa: S704  # texts of the catalogue; values are escaped by %


def plural_markup(singular: str, plural: str, num: int, values: Mapping[str, object]) -> Markup:
    """The form that fits the number, as a template shows it."""
    return Markup(texts().ngettext(singular, plural, num)) % {"num": notation.number(num), **values}  # noqa: S704  # texts of the catalogue; values are escaped by %


def N_(message: str) -> str:
    """The message as it is, marked for translation: the place that shows it calls `_`."""
    return message


def translated(text: str) -> str:
    """A text with no values in it, such as a command's help; as it is if no catalogue has it."""
    return texts().gettext(text) if text else text


def capital(text: str) -> str:
    """The text at the start of a sentence: the rest of it stays, as German nouns must."""
    return text[:1].upper() + text[1:]


def within(label: str) -> str:
    """A translated label within a sentence: in small letters, but not in German, where it may be a noun."""
    return label if notation.current().language == "de" else label.lower()


def all_of(words: Sequence[str]) -> str:
    """a and b and c; empty for none."""
    return reduce(lambda one, other: _("%(one)s and %(other)s", one=one, other=other), words) if words else ""


@contextmanager
def english() -> Iterator[None]:
    """Write English, and numbers and days as in data, while something is made that is stored."""
    with notation.reading(notation.DEFAULT):
        yield


def best_of(accepted: list[str]) -> str:
    """The language to show to a person who prefers these ("nl-BE", "en"), best first."""
    wanted = [language.replace("-", "_") for language in accepted]
    found = negotiate_locale([*wanted, *(language.partition("_")[0] for language in wanted)], LANGUAGES)
    return found or ENGLISH


def use_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Write in the language of the terminal: LC_ALL, LC_MESSAGES, LANG, the first that is set (POSIX)."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environment[name] for name in names if environment.get(name)), "")
    notation.use(replace(notation.current(), language=best_of([language.partition(".")[0]])))


def texts() -> NullTranslations:
    """The catalogue of the reader's language; NullTranslations for English."""
    return _catalogue(notation.current().language)


@cache
def messages(files: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The English texts that are marked in these files or folders: the text, or singular and plural. They are
    those of the first catalogue; each has them all."""
    from babel.messages.pofile import read_po

    with (FOLDER / f"{list(LANGUAGES)[1]}.po").open("rb") as file:
        catalogue = read_po(file)
    found = []
    for message in catalogue:
        if message.id and any(name.startswith(files) for name, _line in message.locations):
            found.append((message.id,) if isinstance(message.id, str) else tuple(message.id))
    return found


@cache
def _catalogue(language: str) -> NullTranslations:
    """Compiled in memory at the first use, so no compiled file can be older than its source."""
    if language == ENGLISH or language not in LANGUAGES:
        return NullTranslations()
    # Imported here: English needs none of it, and each command would start later by it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    compiled = BytesIO()
    with (FOLDER / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)
