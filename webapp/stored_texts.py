"""What workers stored in English, in the reader's language: why a mail failed, why a run waits.

The database keeps the English sentence; so do the audit, CSV files and logs. A page finds the marked text
that the sentence was made from, and fills its translation with the same values. What a mail server said is
never translated."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from gettext import NullTranslations

from webapp import notation, translation
from webapp.translation import N_, _, ngettext, translated

NESTED = ("why", "why_not", "without", "problem", "words", "trouble", "finding", "what", "where")
"""The values that are stored texts, too. All others are data, `reply` among them: the words of a server."""
SPELLED = {"num": r"[\d.,]+", "line": r"\d+", "seconds": r"[\d.]+", "part": "[^,:]+"}
"""What some values look like; all others are anything."""
LETTERS_MIN = 4
"""How many letters of its own a text must have: %(one)s: %(other)s would be found in everything."""
REPLY = re.compile(r"[2-5]\d\d(?:[ -].*)?", re.DOTALL)
REPLY_TO = re.compile(rf"(?P<reply>{REPLY.pattern}) \(to (?P<stage>[A-Z ]+)\)", re.DOTALL)
OUR_REPLY = re.compile(r"552 the message has [\d,]+ bytes, the server takes [\d,]+")
"""What smtp/transport.py answers itself, before anything is said to the server."""
QUOTED = re.compile(r"""(?P<name>'[^']*'|"[^"]*") (?P<rest>.+)""", re.DOTALL)
PLACEHOLDER = re.compile(r"%\((\w+)\)s")

OF_THE_SYSTEM = (
    *(N_("no such file or directory"), N_("permission denied"), N_("no space left on device")),
    *(N_("read-only file system"), N_("input/output error"), N_("too many open files")),
    *(N_("no route to host"), N_("network is unreachable"), N_("host is down"), N_("broken pipe")),
    *(N_("connection reset by peer"), N_("connection timed out"), N_("name or service not known")),
    *(N_("temporary failure in name resolution"), N_("no address associated with hostname")),
    *(N_("certificate has expired"), N_("self-signed certificate"), N_("certificate is not yet valid")),
    *(N_("self-signed certificate in certificate chain"), N_("unable to get local issuer certificate")),
    N_("hostname mismatch, certificate is not valid for '%(host)s'."),
)
"""What the operating system and OpenSSL say most often of files, networks and certificates."""


def retold(text: str) -> str:
    """The stored text in the reader's language; as it is where no marked text says it."""
    if not text or type(translation.texts()) is NullTranslations:
        return text
    return _retold(text, notation.current())


@lru_cache(maxsize=4096)
def _retold(text: str, _of: notation.Notation) -> str:
    """Cached, since the same few sentences stand in many rows."""
    return _found(text) or text


def _found(text: str) -> str | None:
    """The first that finds something: the text itself, its sentences, its parts between semicolons, the
    marked text that it was made from, what follows a colon, what follows a quoted name."""
    if to := REPLY_TO.fullmatch(text):
        return _("%(reply)s (to %(stage)s)", **to.groupdict())
    if REPLY.fullmatch(text):
        is_ours = OUR_REPLY.fullmatch(text)
        return f"{text[:4]}{_made(text[4:])}" if is_ours else None
    for spelling in (text, text[:1].lower() + text[1:]):
        if (whole := translated(spelling)) != spelling:
            return whole
    return _of_sentences(text) or _of_parts(text) or _made(text) or _of_ends(text)


def _of_sentences(text: str) -> str | None:
    """Several marked sentences, one after the other, of which each is found."""
    for end in re.finditer(r"(?<=\.) ", text):
        first = text[: end.start()]
        exact = translated(first)
        told = exact if exact != first else _made(first)
        if told and (rest := _found(text[end.end() :])):
            return f"{told} {rest}"
    return None


def _of_parts(text: str) -> str | None:
    """Several sentences, joined by semicolons; one of a server's words may be cut in two by that."""
    pieces = text.split("; ")
    first = _made(pieces[0]) if len(pieces) > 1 else None
    return first and "; ".join([first, *(_made(piece) or piece for piece in pieces[1:])])


def _of_ends(text: str) -> str | None:
    """K-1: template, line 3: there is no part “logo” to include. 'a.pdf' cannot be read."""
    if (quoted := QUOTED.fullmatch(text)) and (end := _found(quoted["rest"])):
        return f"{quoted['name']} {end}"
    for colon in re.finditer(": ", text):
        if end := _found(text[colon.end() :]):
            return f"{_found(text[: colon.start()]) or text[: colon.start()]}: {end}"
    return None


def _made(text: str) -> str | None:
    """The translation of the marked text that this one was made from, with its values."""
    for spelling in (text, text[:1].lower() + text[1:]):
        for pattern, forms in _patterns():
            if match := pattern.fullmatch(spelling):
                values = {name: _value(name, value) for name, value in match.groupdict().items()}
                if len(forms) == 1:
                    return _(forms[0], **values)
                num = int(re.sub(r"\D", "", values.pop("num", "1")))
                return ngettext(forms[0], forms[1], num, **values)
    return None


def _value(name: str, value: str) -> str:
    return _retold(value, notation.current()) if name in NESTED else value


@cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """Every marked text with values that is stored, the one with most letters of its own first."""
    found = []
    for forms in translation.messages(FILES):
        for form in dict.fromkeys(forms):
            if "%(" in form and sum(map(str.isalpha, PLACEHOLDER.sub("", form))) >= LETTERS_MIN:
                found.append((_pattern(form), forms))
    return sorted(found, key=lambda each: len(re.sub(r"\(\?P<.*?\)", "", each[0].pattern)), reverse=True)


def _pattern(form: str) -> re.Pattern[str]:
    pieces, seen = [], set[str]()
    for n, piece in enumerate(PLACEHOLDER.split(form)):
        if n % 2 == 0:
            pieces.append(re.escape(piece.replace("%%", "%")))
        elif piece in seen:
            pieces.append(f"(?P={piece})")
        else:
            seen.add(piece)
            pieces.append(f"(?P<{piece}>{SPELLED.get(piece, '.+?')})")
    return re.compile("".join(pieces), re.DOTALL)


FILES = (
    *("webapp/delivery/", "webapp/documents/", "webapp/lifecycle/", "webapp/mailing/", "webapp/mailservers/"),
    *("webapp/messages/", "webapp/new_run/generation.py", "webapp/results/actions.py", "webapp/smtp/"),
    "webapp/oauth/",
    *("webapp/fixing/undoing.py", "webapp/destinations.py", "webapp/sealed.py", "webapp/stored_texts.py"),
    *("webapp/library_texts.py", "webapp/notices/handing_over.py", "webapp/bounces/"),
    *("webapp/intake/", "webapp/plans/", "webapp/runs/takeover.py", "webapp/store/"),
)
"""Where the texts are marked that end in the database: by file or folder."""
