"""The text of a PDF, and whether there may be more in it than its pages.

This runs in the reader's child process (document_reader.py): a document may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
from pypdfium2 import raw

from webapp.documents.document_reader import Unreadable
from webapp.store.statuses import LockProblem
from webapp.translation import N_

pdfium: Any = raw  # PDFium's own functions, which no type describes
NO_PDF = N_("it cannot be opened as a PDF: %(error)s")
PAGES_READ_MAX = 200
"""How many pages of a PDF are read if none names the invoice."""
STRUCTURED = (b"/ObjStm", b"/AF", b"/FileAttachment", b"/Perms", b"/SigFlags")
"""A file without any of these, in which PDFium sees no form, attachment or encryption, has none."""


@contextmanager
def opened(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """The PDF, to read its text. Raises Unreadable."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        problem = LockProblem.ENCRYPTED if is_locked else LockProblem.UNREADABLE
        raise Unreadable(NO_PDF % {"error": error}, problem) from None
    with document:
        yield document


def texts(document: pypdfium2.PdfDocument) -> Iterator[str]:
    """The text of each page. Raises Unreadable."""
    try:
        for number in range(min(len(document), PAGES_READ_MAX)):
            yield document[number].get_textpage().get_text_bounded()
    except pypdfium2.PdfiumError as error:
        raise Unreadable(NO_PDF % {"error": error}) from None


def has_only_pages(document: pypdfium2.PdfDocument, content: bytes) -> bool:
    """Whether nothing is attached to the PDF, signed or encrypted, as far as can be told in no time: most
    documents need no second reader (pdf_structure.py)."""
    return (
        pdfium.FPDFDoc_GetAttachmentCount(document.raw) <= 0
        and pdfium.FPDF_GetFormType(document.raw) == pdfium.FORMTYPE_NONE
        and pdfium.FPDF_GetSecurityHandlerRevision(document.raw) < 0
        and not any(name in content for name in STRUCTURED)
    )
