"""Whether a document names its invoice: its text must contain the number, and the code or the name of the
customer.

This runs in the reader's child process (document_reader.py): a document may be anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import islice
from xml.etree import ElementTree

import pypdfium2

from webapp.invoices.document_reader import Names, is_pdf
from webapp.store.statuses import Finding

MOST_PAGES = 200
"""How many pages of a PDF are read if none names the invoice."""


class Unreadable(Exception):
    """The document cannot be opened; the message says why."""


def findings(media_type: str, content: bytes, of: Sequence[Names]) -> list[Finding]:
    """The finding in these bytes for each invoice that they are filed under. Raises Unreadable.

    1. Read page by page until every invoice is named, or to the end.
    2. A PDF without any text (a scan) can name nothing.
    3. The number must be there as a word of its own: `INV-1` is not in `INV-10`, nor `121` in `121,00`.
    Spaces and line breaks within it do not count: a PDF only knows where each letter is.
    4. In a PDF, the customer's code must be there likewise, or the name, ignoring case and spaces: `Berg` is
    not in `Van den Bergh`."""
    text, found = "", [Finding.NO_TEXT] * len(of)
    for some in _ever_more(_pdf(content) if is_pdf(media_type) else [_xml(content)]):
        text += _plain(some)
        if text.strip():
            found = [_finding(text, names, customer_too=is_pdf(media_type)) for names in of]
        if all(finding == Finding.FINE for finding in found):
            break
    return found


def _ever_more(pages: Iterable[str]) -> Iterator[str]:
    """The first page, the next one, the next two, the next four, …: the names are usually on the first page,
    and a long document is not searched from its beginning for every page."""
    rest, some = iter(pages), 1
    while read := list(islice(rest, some)):
        yield "\n".join([*read, ""])
        some = max(some, len(read)) * 2 if len(read) == some else some


def _finding(text: str, names: Names, *, customer_too: bool) -> Finding:
    if not _word(names.number).search(text):
        return Finding.NOT_NAMED
    if customer_too and not (_word(names.code).search(text) or _name(names.customer).search(text)):
        return Finding.OTHER_CUSTOMER
    return Finding.FINE


@lru_cache(maxsize=1024)
def _word(word: str) -> re.Pattern[str]:
    plain = _plain(word).strip()
    before = r"(?<!\d[-./,])" if plain[:1].isdigit() else ""
    after = r"(?![-./,]\d)" if plain[-1:].isdigit() else ""
    return re.compile(rf"(?<!{LETTER}){before}{_spaced(word)}(?!{LETTER}){after}")


@lru_cache(maxsize=1024)
def _name(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!{LETTER}){_spaced(name)}(?!{LETTER})")


UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Scripts that do not separate words (Thai, Lao, Burmese, Khmer, kana, Han), or attach particles to them
(Hangul)."""
LETTER = rf"[^\W_{UNSPACED}]"
"""What would continue a word: a letter or digit of a script that separates its words."""


def _spaced(words: str) -> str:
    """A pattern of the characters of the words with any space between them; of no words, one that matches
    nothing."""
    return r"\s*".join(re.escape(each) for each in _plain(words) if not each.isspace()) or "(?!)"


def _plain(text: str) -> str:
    """The text without what differs between two ways of writing the same: ligatures, case, hyphens at line
    breaks."""
    return unicodedata.normalize("NFKC", text).translate(HYPHENS).casefold()


HYPHENS = dict.fromkeys(map(ord, "\u00ad\u0002\ufffe"))


def _pdf(content: bytes) -> Iterator[str]:
    """The text of each page."""
    try:
        with pypdfium2.PdfDocument(content) as document:
            for number in range(min(len(document), MOST_PAGES)):
                yield document[number].get_textpage().get_text_bounded()
    except pypdfium2.PdfiumError as error:
        raise Unreadable(f"it cannot be opened as a PDF: {error}") from None


def _xml(content: bytes) -> str:
    """Every text, and every value of an attribute."""
    try:
        root = ElementTree.parse(BytesIO(content)).getroot()
    except ElementTree.ParseError as error:
        raise Unreadable(f"it cannot be opened as XML: {error}") from None
    return "\n".join(
        piece
        for element in root.iter()
        for piece in (element.text or "", *element.attrib.values(), element.tail or "")
    )
