"""What is in a PDF beside its pages: e-invoices, and what keeps it from being given a password.

This runs in the reader's child process (document_reader.py): a document may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pikepdf

from webapp.documents import e_invoices
from webapp.documents.document_reader import Unreadable
from webapp.documents.e_invoices import Stated
from webapp.mailing.pdf_locking import lock_problem, said_of
from webapp.store.statuses import LockProblem
from webapp.translation import N_

E_INVOICE_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""What e-invoices in PDFs are called, in lower case."""
EMBEDDED = N_("its embedded %(name)s: %(why)s")
ATTACHMENTS_READ_MAX = 20
PAGES_SEARCHED_MAX = 200


@dataclass(frozen=True)
class Structure:
    """The e-invoices attached to a PDF, and why it cannot be given a password."""

    e_invoices: tuple[Stated, ...] = ()
    lock_problem: LockProblem = LockProblem.NONE


def structure(content: bytes) -> Structure:
    """What is in this PDF. Raises Unreadable if an e-invoice in it cannot be opened."""
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            problem = lock_problem(pdf)
            return Structure(tuple(_e_invoices(pdf, problem)), problem)
    except pikepdf.PasswordError:
        return Structure(lock_problem=LockProblem.ENCRYPTED)
    except pikepdf.PdfError:
        return Structure(lock_problem=LockProblem.UNREADABLE)


def _e_invoices(pdf: pikepdf.Pdf, problem: LockProblem) -> Iterator[Stated]:
    """What the attached e-invoices say, whatever the files are called. Raises Unreadable if one is called as
    an e-invoice and cannot be read."""
    for name, stream in _attached(pdf):
        try:
            content = stream.read_bytes()
            stated = e_invoices.stated(e_invoices.parsed(content)) if b"<" in content[:100] else None
        except (Unreadable, pikepdf.PdfError) as why:
            if name.lower() in E_INVOICE_NAMES:
                told = EMBEDDED % {"name": name.lower(), "why": said_of(why)}
                raise Unreadable(told, problem) from None
            continue
        if stated:
            yield stated


def _attached(pdf: pikepdf.Pdf) -> Iterator[tuple[str, pikepdf.Stream]]:
    """(name, stream) of each attached file: those of the document, the associated ones of PDF/A-3 and PDF
    2.0, and those in notes on its pages; each once."""
    seen = set()
    for spec in _specifications(pdf):
        if not isinstance(spec, pikepdf.Dictionary):
            continue
        embedded = spec.get("/EF")
        if not isinstance(embedded, pikepdf.Dictionary):
            continue
        stream = embedded.get("/UF", embedded.get("/F"))
        if not isinstance(stream, pikepdf.Stream) or stream.objgen in seen:
            continue
        seen.add(stream.objgen)
        if len(seen) > ATTACHMENTS_READ_MAX:
            return
        yield str(spec.get("/UF", spec.get("/F", ""))), stream


def _specifications(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object | None]:
    for named in pdf.attachments.values():
        yield named.obj
    yield from _items(pdf.Root.get("/AF"))
    for page in pdf.pages[:PAGES_SEARCHED_MAX]:
        for note in _items(page.get("/Annots")):
            if isinstance(note, pikepdf.Dictionary) and note.get("/Subtype") == pikepdf.Name.FileAttachment:
                yield note.get("/FS")


def _items(array: pikepdf.Object | None) -> list[pikepdf.Object]:
    return list(array) if isinstance(array, pikepdf.Array) else []
