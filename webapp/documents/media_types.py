"""Which type of document a file is: by its name, by its transformation, and by its first bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

from webapp import notation
from webapp.documents.document_reader import SIGNED_ENVELOPE
from webapp.mailing.pdf_locking import HEADER_WITHIN, begins_like_pdf
from webapp.translation import _

HEAD = HEADER_WITHIN
"""Number of first bytes to look at."""

PDF = "application/pdf"

BY_SUFFIX = {
    ".pdf": PDF,
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "application/xml",
    ".json": "application/json",
    ".zip": "application/zip",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

BY_OUTPUT_TYPE = {
    "pdf": PDF,
    "text": "text/plain",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "application/xml",
}

WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16 begins, a text in which NUL bytes are in place."""


def guessed(path: str, output_type: str | None) -> str:
    """The media type by the file's suffix, else by what the transformation produces."""
    suffix = PurePosixPath(path).suffix.lower()
    return BY_SUFFIX.get(suffix) or BY_OUTPUT_TYPE.get(output_type or "", "application/octet-stream")


def contradiction(media_type: str, output_type: str | None, head: bytes) -> str | None:
    """What does not fit, in words that follow the file's name; None if all fits. `head` is the beginning of
    the file."""
    is_pdf = begins_like_pdf(head, is_said_to=media_type == PDF)
    if output_type == "pdf" and media_type != PDF:
        return _("is %(type)s, but the transformation makes PDF documents", type=media_type)
    if media_type == PDF and not is_pdf:
        within = notation.number(HEADER_WITHIN)
        return _("is no PDF: its first %(num)s bytes have no %%PDF", num=within)
    if media_type != PDF and is_pdf and media_type != "application/octet-stream":
        return _("is a PDF by its content, not %(type)s", type=media_type)
    if _is_text(media_type) and b"\0" in head and not head.startswith(WIDE_TEXT):
        return _("is not %(type)s: it has NUL bytes", type=media_type)
    if _is_xml(media_type) and not head.startswith(WIDE_TEXT) and not _begins_like_xml(head):
        if head.lstrip().startswith(SIGNED_ENVELOPE):
            return _("is a signed envelope (.p7m): import the XML that is in it")
        return _("is no XML: it does not begin with <")
    return None


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or _is_xml(media_type)


def _is_xml(media_type: str) -> bool:
    return media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")


def _begins_like_xml(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
