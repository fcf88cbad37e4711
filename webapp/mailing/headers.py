"""The lines of a mail's headers, written directly: each fits its line, and no data can end one.

The standard library's policies take half a millisecond per header; this takes a few microseconds for the few
kinds of header that our mails have. Encoded words (RFC 2047) are the email package's; this module only
decides which word goes into which line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.base64mime import header_encode
from email.utils import quote
from functools import lru_cache
from urllib.parse import quote as percent_encoded

from webapp.printable import LINE_BREAKS
from webapp.translation import N_, _, translated

LINE = 76
"""Characters per line (RFC 5322, 2.1.1, recommends 78; lines with encoded words have 76)."""
LONGEST_WORD = 900
"""A longer word would not fit a line of 998, and has no place to fold."""

LONGEST_PREFIX = len("Reply-To: ")
"""Of a header with addresses, up to its first one."""

HEADER, DISPLAY_NAME, FILE_NAME = N_("the header %(name)s"), N_("a display name"), N_("a file name")
"""What a value is called that cannot stand in a mail."""

PLAIN = re.compile(r"[ -~]*")
SURROGATES = re.compile("[\ud800-\udfff]")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
ADDRESS = re.compile(r"[^\s()<>,;:\\\"\[\]@\x00-\x1f\x7f]+@[A-Za-z0-9.-]+", re.ASCII)


class Uncomposable(Exception):
    """No mail can be built from this; the message says why, in words."""


def text_field(name: str, value: str) -> bytes:
    """A header of free text. Raises Uncomposable for a line break in it."""
    safe = header_safe(HEADER, value, name=name)
    if _is_plain(safe):
        return _folded(f"{name}: {safe}")
    return f"{name}: {_encoded_words(safe, len(name) + 2)}\r\n".encode("ascii")


def address_field(name: str, addresses: Sequence[tuple[str, str]]) -> bytes:
    """A header of (address, display name) pairs, one a line."""
    listed = ",\r\n ".join(mailbox(*pair) for pair in addresses)
    return f"{name}: {listed}\r\n".encode("ascii")


@lru_cache(maxsize=1024)
def mailbox(address: str, display_name: str) -> str:
    """One address with its display name (RFC 5322), in lines no longer than necessary."""
    if not address.isascii() or not ADDRESS.fullmatch(address):
        raise Uncomposable(_("%(address)s cannot stand in a header", address=repr(address)))
    name = header_safe(DISPLAY_NAME, display_name).strip()
    if not name:
        return address
    if not _is_plain(name):
        name = _encoded_words(name, LONGEST_PREFIX)
    elif not ATOMS.fullmatch(name) or "  " in name:
        name = f'"{quote(name)}"'
    break_or_space = "\r\n " if len(name.rpartition("\n")[2]) + len(address) > LINE - 14 else " "
    return f"{name}{break_or_space}<{address}>"


def file_name_parameter(file_name: str) -> str:
    """`filename=…`: quoted if it is ASCII, else by RFC 2231, in pieces if it is long."""
    name = header_safe(FILE_NAME, file_name).replace("/", "_").replace("\\", "_")
    if PLAIN.fullmatch(name) and len(name) < LONGEST_WORD:
        return f'filename="{quote(name)}"'
    pieces = re.findall(r"(?:%..|[^%]){1,20}", percent_encoded(name, safe="", encoding="utf-8"))
    if len(pieces) == 1:
        return f"filename*=utf-8''{pieces[0]}"
    first, *others = pieces
    numbered = [
        f"filename*0*=utf-8''{first}",
        *(f"filename*{n}*={piece}" for n, piece in enumerate(others, 1)),
    ]
    return ";\r\n ".join(numbered)


def header_safe(what: str, value: str, **names: str) -> str:
    """The value, if it cannot break out of its header. Raises Uncomposable, which calls the value `what`: a
    text to translate, with these names in it."""
    if value.isprintable():  # neither a line break nor half a character is
        return value
    told = {"what": translated(what) % names, "value": repr(value)}
    if LINE_BREAKS.search(value):
        raise Uncomposable(_("%(what)s has a line break, which would end the header: %(value)s", **told))
    if SURROGATES.search(value):
        raise Uncomposable(_("%(what)s has a character that cannot be written: %(value)s", **told))
    return value


def _is_plain(value: str) -> bool:
    """Whether it needs no encoding: printable ASCII, nothing that would be read as an encoded word."""
    return (
        PLAIN.fullmatch(value) is not None
        and "=?" not in value
        and (len(value) < LONGEST_WORD or max(map(len, value.split())) < LONGEST_WORD)
    )


def _encoded_words(text: str, before: int) -> str:
    """The text as encoded words, one a line; `before` is the number of characters before the first. No
    character is cut in two."""
    encoded, words, begin, end = text.encode(), [], 0, _bytes_in(LINE - before)
    while end < len(encoded):
        while encoded[end] & 0xC0 == 0x80:  # within a character of UTF-8
            end -= 1
        words.append(encoded[begin:end])
        begin, end = end, end + _bytes_in(LINE - 1)
    words.append(encoded[begin:])
    return "\r\n ".join(header_encode(word, "utf-8") for word in words)


def _bytes_in(width: int) -> int:
    """How many bytes an encoded word of this width can hold."""
    return (width - len("=?utf-8?b??=")) // 4 * 3


def _folded(line: str) -> bytes:
    """The header in lines of at most LINE characters, broken before a space that a word follows."""
    lines = []
    while len(line) > LINE:
        at = line.rfind(" ", 1, LINE + 1)
        while at > 0 and (line[at + 1 : at + 2] in ("", " ") or not line[:at].strip()):
            at = line.rfind(" ", 1, at)
        if at <= line.find(":") + 1:
            following = re.search(r" (?=[^ ])", line[LINE:])
            if following is None:
                break
            at = LINE + following.start()
        lines.append(line[:at])
        line = line[at:]
    return "\r\n".join([*lines, line]).encode("ascii") + b"\r\n"
