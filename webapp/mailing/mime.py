"""The pieces that every MIME message is made of: multipart heads, boundaries, base64."""

from __future__ import annotations

import codecs
import re
import secrets
from itertools import count

import pybase64


def multipart(subtype: str, boundary: bytes, more: bytes = b"") -> bytes:
    return b'Content-Type: multipart/%s;\r\n boundary="%s"%s\r\n\r\n' % (subtype.encode(), boundary, more)


def new_boundary() -> bytes:
    """A boundary that never occurs in what it separates: "=_" is in neither quoted-printable nor base64 (RFC
    2045, 6.7). It is unique within a process and across processes."""
    return b"=_%s_%d" % (OWN, next(_boundaries))


def charset_parameter(media_type: str, content: bytes) -> str:
    """`; charset="utf-8"` for a text or an XML of a known encoding, else nothing. Without it programs guess,
    and show “MÃ¼ller”. For an XML its own declaration counts (RFC 7303)."""
    kind = media_type.lower()
    is_xml = kind in ("application/xml", "text/xml") or kind.endswith("+xml")
    if not is_xml and not kind.startswith("text/"):
        return ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return '; charset="utf-16"'
    if is_xml and (declared := DECLARED.match(content)):
        return f'; charset="{declared[1].decode("ascii").lower()}"'
    try:
        content.decode()
    except UnicodeDecodeError:
        return ""
    return '; charset="utf-8"'


DECLARED = re.compile(
    rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]{0,39})[\"']"
)

OWN = secrets.token_hex(12).encode()
_boundaries = count(1)


def encoded(content: bytes) -> bytes:
    """Base64 in lines of 76, ended by CRLF; the end of the last line belongs to the boundary that follows."""
    return pybase64.encodebytes(content).replace(b"\n", b"\r\n")[:-2]
