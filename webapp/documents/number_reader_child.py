"""The process that reads which invoice a document may belong to:
`python -m webapp.documents.number_reader_child SECONDS MEGABYTES`. A document may be anything."""

from __future__ import annotations

import re
from itertools import islice

from webapp.documents import e_invoices, pdf_contents, spelling
from webapp.documents.document_reader import Unreadable, is_pdf
from webapp.documents.document_text import LABELLED
from webapp.mailing.sandbox_child import Answer, serve

PAGES_READ, WORDS_MAX = 3, 3_000
WORD = re.compile(r"(?=[^\s]*\d)[^\W_](?:[\w./-]*\w)?")
"""A word with a digit in it."""


def answer(question: tuple[str, bytes]) -> Answer:
    """The numbers that the document says are its own, and all words that may be one; or why it cannot be
    opened."""
    media_type, content = question
    try:
        own, words = _of_pdf(content) if is_pdf(media_type) else _of_xml(content)
    except Unreadable as why:
        return "unreadable", str(why)
    return "read", own, words


def _of_xml(content: bytes) -> tuple[list[str], list[str]]:
    root = e_invoices.parsed(content)
    stated = e_invoices.stated(root)
    return (list(stated.numbers), []) if stated else ([], _words(spelling.plain(e_invoices.texts(root))))


def _of_pdf(content: bytes) -> tuple[list[str], list[str]]:
    with pdf_contents.opened(content) as document:
        is_plain = pdf_contents.has_only_pages(document, content)
        text = spelling.plain("\n".join(islice(pdf_contents.texts(document), PAGES_READ)))
    own: list[str] = []
    if not is_plain:
        from webapp.documents import pdf_structure  # takes a tenth of a second that most do not need

        for stated in pdf_structure.structure(content).e_invoices:
            own += stated.numbers
    own = own or [found["number"] for found in islice(LABELLED.finditer(text), 3)]
    return own, _words(text)


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(found[0] for found in islice(WORD.finditer(text), WORDS_MAX)))


if __name__ == "__main__":
    serve(answer)
