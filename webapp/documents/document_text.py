"""Whether a document names its invoice: an e-invoice by its structure, everything else by its text, which
must contain the number, and the code or the name of the customer.

This runs in the reader's child process (document_reader.py): a document may be anything."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from webapp.documents import amounts, buyers, e_invoices, pdf_contents, spelling
from webapp.documents.document_reader import (
    DocumentFinding,
    Names,
    Unreadable,
    is_pdf,
    names_its_invoice,
)
from webapp.documents.e_invoices import Stated
from webapp.store.statuses import Finding
from webapp.translation import N_

SAID_LENGTH = 80
"""Characters that are told of what a document says."""


def findings(media_type: str, content: bytes, of: Sequence[Names]) -> list[DocumentFinding]:
    """The finding in these bytes for each invoice that they are filed under. Raises Unreadable.

    1. An e-invoice (XML of a known kind) must have the invoice's number as its own, and the customer as its
    buyer. XML of an unknown kind must contain the number.
    2. The text of a PDF must name the number and the customer.
    3. An e-invoice that is attached to a PDF must agree with the invoice, and with that text: it may name
    what the text leaves out, but not something else.
    4. Of a document that need not name its invoice only matters whether it can be given a password.
    5. Whether a PDF names the amount is told beside the finding, and changes nothing in it."""
    if is_pdf(media_type) or not names_its_invoice(media_type):
        return _of_pdf(content, of, is_named=is_pdf(media_type))
    root = e_invoices.parsed(content)
    stated = e_invoices.stated(root)
    if stated is None:
        text = spelling.plain(e_invoices.texts(root))
        return [DocumentFinding(in_text(text, names, customer_too=False)) for names in of]
    return [_of_xml(stated, names) for names in of]


def _of_pdf(content: bytes, of: Sequence[Names], *, is_named: bool) -> list[DocumentFinding]:
    with pdf_contents.opened(content) as document:
        is_plain = pdf_contents.has_only_pages(document, content)
        pages = pdf_contents.texts(document) if is_named else iter(())
        text, found = _until_named(pages, of)
        if is_named and text.strip():
            found = _with_amounts(text, pages, of, found)
    if is_plain:
        return found
    from webapp.documents import pdf_structure  # takes a tenth of a second that most checks do not need

    structure = pdf_structure.structure(content)
    if structure.e_invoices:
        found = [
            replace(
                _with_e_invoices(text, names, each.finding, structure.e_invoices),
                names_amount=each.names_amount,
            )
            for names, each in zip(of, found, strict=True)
        ]
    return [replace(each, lock_problem=structure.lock_problem) for each in found]


def _until_named(pages: Iterable[str], of: Sequence[Names]) -> tuple[str, list[DocumentFinding]]:
    """The plain text of the pages up to the one where every invoice is named, or of all; and the findings. A
    PDF without any text (a scan) can name nothing."""
    text, found = "", [Finding.NO_TEXT] * len(of)
    for some in _ever_more(pages):
        text += spelling.plain(some)
        if text.strip():
            found = [in_text(text, names, customer_too=True) for names in of]
        if all(finding == Finding.FINE for finding in found):
            break
    return text, [DocumentFinding(finding) for finding in found]


AMOUNT_PAGES_MAX, AMOUNT_SECONDS_MAX = 10, 1.0
"""How many pages behind the one that names the invoice are searched for its amount, and for how long: a
document must not become unreadable over an amount."""


def _with_amounts(
    text: str, pages: Iterator[str], of: Sequence[Names], found: Sequence[DocumentFinding]
) -> list[DocumentFinding]:
    """The findings, with whether the PDF names the amount of each invoice; not known where there are more
    pages than are searched. `text` is that of the pages read, `pages` are the others."""
    named = [amounts.is_named(text, names.amounts) for names in of]
    is_whole = False
    if not all(each or not names.amounts for each, names in zip(named, of, strict=True)):
        more, is_whole = _further(pages)
        named = [each or amounts.is_named(more, names.amounts) for each, names in zip(named, of, strict=True)]
    return [
        replace(each, names_amount=(True if is_there else False if is_whole else None))
        if names.amounts
        else each
        for each, is_there, names in zip(found, named, of, strict=True)
    ]


def _further(pages: Iterator[str]) -> tuple[str, bool]:
    """The plain text of further pages, and whether there are no others. A page that cannot be read is one
    of the others."""
    until, text = time.monotonic() + AMOUNT_SECONDS_MAX, ""
    try:
        for number, page in enumerate(pages):
            if number == AMOUNT_PAGES_MAX or time.monotonic() > until:
                return text, False
            text += spelling.plain(f"{page}\n")
    except Unreadable:
        return text, False
    return text, True


def _ever_more(pages: Iterable[str]) -> Iterator[str]:
    """The first page, the next one, the next two, the next four, …: the names are usually on the first page,
    and a long document is not searched from its beginning for every page."""
    rest, some = iter(pages), 1
    while read := list(islice(rest, some)):
        yield "\n".join([*read, ""])
        some = max(some, len(read)) * 2 if len(read) == some else some


def in_text(text: str, names: Names, *, customer_too: bool) -> Finding:
    """Whether this plain text names the invoice, and the customer by code or name.

    Each must be there as a word of its own. Spaces and line breaks within it do not count: a PDF only knows
    where each letter is."""
    if not spelling.word(names.number).search(text):
        return Finding.NOT_NAMED
    is_named = spelling.word(names.code).search(text) or spelling.name(names.customer).search(text)
    return Finding.OTHER_CUSTOMER if customer_too and not is_named else Finding.FINE


def _of_xml(stated: Stated, names: Names) -> DocumentFinding:
    if finding := _disagreement(stated, names):
        return DocumentFinding(finding, _what(stated, names, finding))
    return DocumentFinding(Finding.FINE)


def _disagreement(stated: Stated, names: Names) -> Finding | None:
    if not any(spelling.is_same(names.number, each) for each in stated.numbers):
        return Finding.NOT_NAMED
    return None if buyers.agrees(stated, names.code, names.customer) else Finding.OTHER_CUSTOMER


def _what(stated: Stated, names: Names, finding: Finding) -> str:
    """What an e-invoice that disagrees is: is document CN-2026-2, of Other GmbH"""
    if not stated.numbers:
        return N_("has no invoice number")
    told: dict[str, str] = {"numbers": ", ".join(map(_shown, stated.numbers[:3]))}
    if buyers.agrees(stated, names.code, names.customer):
        told_as = N_("is document %(numbers)s") if stated.refers_back else N_("is invoice %(numbers)s")
        return told_as % told
    told["buyer"] = _shown(stated.buyer_names[0])
    if finding == Finding.OTHER_CUSTOMER:
        but_of = (
            N_("is invoice %(numbers)s, but of %(buyer)s"),
            N_("is document %(numbers)s, but of %(buyer)s"),
        )
        return but_of[stated.refers_back] % told
    of = (N_("is invoice %(numbers)s, of %(buyer)s"), N_("is document %(numbers)s, of %(buyer)s"))
    return of[stated.refers_back] % told


def _shown(words: str) -> str:
    """Words from a document, for a line of text: nothing that a terminal or a log would act on."""
    shown = "".join(each if each.isprintable() else " " for each in words)
    return shown if len(shown) <= SAID_LENGTH else f"{shown[:SAID_LENGTH]}…"


def _with_e_invoices(
    text: str, names: Names, in_its_text: Finding, attached: Sequence[Stated]
) -> DocumentFinding:
    """The finding for a PDF with e-invoices in it. The first that disagrees is told."""
    is_in_text = in_its_text in (Finding.FINE, Finding.OTHER_CUSTOMER)
    for stated in attached:
        if finding := _disagreement(stated, names):
            what = {"what": _what(stated, names, finding)}
            if is_in_text:
                return DocumentFinding(finding, N_("names its invoice, but its embedded XML %(what)s") % what)
            return DocumentFinding(finding, N_("does not name its invoice: its embedded XML %(what)s") % what)
    if in_its_text == Finding.NOT_NAMED and (other := _other_number(text, names.number)):
        told = N_("names %(other)s in its text, but its embedded XML is invoice %(own)s")
        return DocumentFinding(
            Finding.NOT_NAMED, told % {"other": _shown(other), "own": _shown(names.number)}
        )
    is_buyer_known = any(each.buyer_names for each in attached)
    if in_its_text == Finding.OTHER_CUSTOMER and not is_buyer_known:
        return DocumentFinding(in_its_text)
    return DocumentFinding(Finding.FINE)


def _other_number(text: str, number: str) -> str:
    """Another invoice number in a text that lacks this one: a word of the same shape, or what stands behind
    the words "invoice number" and is no part of this one. Empty if there is none, as where the text is a
    picture or a short notice."""
    bare = "".join(spelling.plain(number).split())
    shape = re.sub(r"\d+", r"\\d+", re.escape(bare)) if re.search(r"[^\W\d_]", bare) else ""
    if r"\d" in shape and (same := re.search(rf"(?<!\w){shape}(?!\w)", text)):
        return same[0]
    labelled = LABELLED.search(text)
    is_part = labelled and labelled["number"] in re.split(r"[\W_]+", bare)
    return labelled["number"] if labelled and not is_part else ""


LABELLED = re.compile(
    r"\b(?:invoice|credit ?note|rechnungs?|facture|factuur|fattura|fatura|factura|faktura|gutschrifts?)[ -]*"
    r"(?:number|numero|numéro|número|nummer|nr|no|n°|nº|num|#)[.:# \t]*(?P<number>[^\W_]*\d[\w/.-]*\w)"
)
"""An invoice number with its label, in a plain text."""
