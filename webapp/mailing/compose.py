"""Envelope + headers + parts → the bytes of the mail.

The standard library writes headers and texts; each document is put between them as base64 by us, because its
generator takes 2 ms to push 80 KB of base64 line by line (spec speed.md). A mail is kept as its pieces: the
written bytes, and each document by its SHA-256. So what went out can be rebuilt byte for byte without being
stored twice."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from webapp.mailing.addresses import LINE_BREAKS

POLICY = SMTP.clone(cte_type="7bit", refold_source="all")


class Uncomposable(Exception):
    """No mail can be made of this; the message says why, in words."""


@dataclass(frozen=True)
class Document:
    """A file to attach, and the invoice that it was made from."""

    invoice_id: int
    file_name: str
    media_type: str
    sha256: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """Everything a mail says but its documents. `date` is an instant; `to` are (address, display name)."""

    sender: tuple[str, str]
    reply_to: str
    to: tuple[tuple[str, str], ...]
    subject: str
    text: str
    html: str | None
    message_id: str
    date: datetime
    invoice_ids: frozenset[int]
    real_recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mail:
    """`data` goes on the wire (not yet dot-stuffed; lines end with CRLF); `kept` gives it back, see
    `rebuild`."""

    data: bytes
    kept: bytes
    sha256: str


def compose(letter: Letter, documents: Sequence[Document]) -> Mail:
    """The mail as bytes, 7-bit clean.

    Each document must belong to one of the letter's invoices and have the bytes that its SHA-256 names.
    Raises Uncomposable for one that does not, and for anything that would break a header."""
    for document in documents:
        _check(document, letter)
    pieces: list[bytes | Document] = [_headers(letter)]
    if documents:
        boundary = f"=_{secrets.token_hex(16)}"
        pieces.append(
            f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n--{boundary}\r\n'.encode()
        )
        pieces.append(_texts(letter))
        for document in documents:
            pieces += [f"\r\n--{boundary}\r\n".encode(), _part_head(document), document]
        pieces.append(f"\r\n--{boundary}--\r\n".encode())
    else:
        pieces.append(_texts(letter))
    data = b"".join(_encoded(piece.content) if isinstance(piece, Document) else piece for piece in pieces)
    return Mail(data, _keep(pieces), hashlib.sha256(data).hexdigest())


def rebuild(kept: bytes, document: Callable[[str], bytes]) -> bytes:
    """The bytes that went out, from what was kept and a way to get a document's bytes by their SHA-256."""
    pieces = json.loads(zlib.decompress(kept))
    return b"".join(
        piece.encode("latin-1") if isinstance(piece, str) else _encoded(document(piece["sha256"]))
        for piece in pieces
    )


def _keep(pieces: Sequence[bytes | Document]) -> bytes:
    listed = [
        {"sha256": piece.sha256} if isinstance(piece, Document) else piece.decode("latin-1")
        for piece in pieces
    ]
    return zlib.compress(json.dumps(listed).encode(), level=1)


def _check(document: Document, letter: Letter) -> None:
    if document.invoice_id not in letter.invoice_ids:
        raise Uncomposable(f"the document {document.file_name!r} belongs to another invoice")
    if hashlib.sha256(document.content).hexdigest() != document.sha256:
        raise Uncomposable(f"the document {document.file_name!r} is not what it was when it was imported")
    if not document.content:
        raise Uncomposable(f"the document {document.file_name!r} is empty")


def _headers(letter: Letter) -> bytes:
    """The mail's own headers, each line ended. Bcc is never among them."""
    head = EmailMessage(policy=POLICY)
    head["From"] = _address(letter.sender)
    head["To"] = [_address(recipient) for recipient in letter.to]
    if letter.reply_to:
        head["Reply-To"] = _address((letter.reply_to, ""))
    head["Subject"] = _header_safe("the subject", letter.subject)
    head["Date"] = format_datetime(letter.date)
    head["Message-ID"] = _header_safe("the Message-ID", letter.message_id)
    head["Auto-Submitted"] = "auto-generated"
    if letter.real_recipients:
        head["X-Mailrun-Recipients"] = _header_safe("a recipient", ", ".join(letter.real_recipients))
    head["MIME-Version"] = "1.0"
    return head.as_bytes().rstrip(b"\r\n") + b"\r\n"


def _address(pair: tuple[str, str]) -> Address:
    address, name = pair
    try:
        return Address(display_name=_header_safe("a display name", name), addr_spec=address)
    except (ValueError, IndexError) as error:
        raise Uncomposable(f"{address!r} cannot stand in a header: {error}") from None


def _header_safe(what: str, value: str) -> str:
    if LINE_BREAKS.search(value):
        raise Uncomposable(f"{what} has a line break, which would end the header: {value!r}")
    return value


def _texts(letter: Letter) -> bytes:
    """The text, and the HTML beside it if there is one: a part with its own headers."""
    body = EmailMessage(policy=POLICY)
    body.set_content(letter.text, cte=_transfer_encoding(letter.text))
    if letter.html is not None:
        body.add_alternative(letter.html, subtype="html", cte=_transfer_encoding(letter.html))
    for part in body.walk():
        del part["MIME-Version"]
    return body.as_bytes()


def _transfer_encoding(text: str) -> str:
    """Quoted-printable is readable, but a lone CR or LF in it may be taken for a line's end on the way."""
    return "base64" if "\r" in text.replace("\r\n", "") else "quoted-printable"


def _part_head(document: Document) -> bytes:
    """The headers of an attachment; its name may be in any script (RFC 2231)."""
    name = _header_safe("a file name", document.file_name).replace("/", "_").replace("\\", "_")
    maintype, _, subtype = document.media_type.partition("/")
    part = EmailMessage(policy=POLICY)
    part.set_content(
        b"", maintype=maintype, subtype=subtype or "octet-stream", disposition="attachment", filename=name
    )
    del part["MIME-Version"]
    return part.as_bytes().rstrip(b"\r\n") + b"\r\n\r\n"


def _encoded(content: bytes) -> bytes:
    """Base64 in lines of 76, ended by CRLF; the last line's end belongs to the boundary that follows."""
    return base64.encodebytes(content).rstrip(b"\n").replace(b"\n", b"\r\n")
