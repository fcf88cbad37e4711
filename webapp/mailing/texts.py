"""What is rendered, and the result, as plain values, without the libraries that render."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from webapp.translation import N_

LINE = N_("%(where)s, line %(line)s")
Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MessageText:
    """The templates of one message, in the language of its customer.

    `plain` is the template of the text alternative; without it, the text is made from the HTML. `file_name`
    is that of the attachments' names, if they do not keep their own. `parts` (name, source) are what the
    others may include. `language` decides how money, dates and numbers are written."""

    subject: str
    body: str
    is_html: bool
    plain: str = ""
    parts: Parts = ()
    language: str = ""
    file_name: str = ""


@dataclass(frozen=True)
class Rendered:
    """What the customer reads. `html` is None for a message in plain text. `file_names` are those of the
    attachments, in order; none if they keep their own."""

    subject: str
    text: str
    html: str | None
    file_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unrenderable:
    """Why the template cannot be rendered: in which template (SUBJECT, BODY, PLAIN, or a part's name) and
    line, where known, and what is wrong there."""

    problem: str
    where: str = ""
    line: int | None = None

    @property
    def words(self) -> str:
        """All of it in one line."""
        place = LINE % {"where": self.where, "line": self.line} if self.line else self.where
        return f"{place}: {self.problem}" if place else self.problem


@lru_cache(maxsize=1024)
def spoken(languages: tuple[str, ...], language: str) -> str:
    """Which of these languages this one is sent in: itself ("nl-BE", then "nl"), else the default (""), else
    any. "NL_be" is "nl-BE": case does not matter in a tag (RFC 5646, 2.1.1), and billing systems write it
    both ways."""
    by_tag = {_tag(each): each for each in languages}
    own = _tag(language)
    for wanted in (own, own.partition("-")[0], ""):
        if wanted in by_tag:
            return language if wanted == own and language in languages else by_tag[wanted]
    return languages[0]


def is_spoken(languages: Iterable[str], language: str) -> bool:
    """Whether one of these languages is this one, or the one that it is a form of ("nl" for "nl-BE")."""
    own = _tag(language)
    return any(_tag(each) in (own, own.partition("-")[0]) for each in languages if each)


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
