"""The pieces that every MIME message is made of: multipart heads, boundaries, base64."""

from __future__ import annotations

import secrets
from itertools import count

import pybase64


def multipart(subtype: str, boundary: bytes, more: bytes = b"") -> bytes:
    return b'Content-Type: multipart/%s;\r\n boundary="%s"%s\r\n\r\n' % (subtype.encode(), boundary, more)


def new_boundary() -> bytes:
    """A boundary that never occurs in what it separates: "=_" is in neither quoted-printable nor base64 (RFC
    2045, 6.7). It is unique within a process and across processes."""
    return b"=_%s_%d" % (OWN, next(_boundaries))


OWN = secrets.token_hex(12).encode()
_boundaries = count(1)


def encoded(content: bytes) -> bytes:
    """Base64 in lines of 76, ended by CRLF; the end of the last line belongs to the boundary that follows."""
    return pybase64.encodebytes(content).replace(b"\n", b"\r\n")[:-2]
