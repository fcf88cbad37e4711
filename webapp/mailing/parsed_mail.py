"""Takes a mail apart to show it. Nothing in it is trusted: any bytes at all make a ParsedMail."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses

PICTURES = ("image/png", "image/jpeg", "image/gif")
"""Image types that a mail may show. SVG is not among them: mail clients do not show it."""
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


CHARACTERS_PER_LINE, LINE_HEIGHT = 80, 22
MARGIN, ROW_PADDING, PICTURE_HEIGHT = 24, 12, 60
HEIGHT_MIN, HEIGHT_MAX = 160, 1600
"""Of a mail in a frame about 680 pixels wide; all but the first in pixels."""


@dataclass(frozen=True)
class Attachment:
    """`name` is safe to save under: no folder, no control character, never empty."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class ParsedMail:
    """`pictures` are (content id, image) of those that the HTML shows."""

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]
    pictures: tuple[tuple[str, Attachment], ...] = ()

    @property
    def html_to_show(self) -> str | None:
        """The HTML with its own pictures in it (`data:`), for a page that loads nothing."""
        if self.html is None:
            return None
        html = self.html
        for content_id, picture in self.pictures:
            data = f"data:{picture.media_type};base64,{b64encode(picture.content).decode()}"
            html = re.sub(f"cid:{re.escape(content_id)}(?![\\w.@-])", data, html)
        return html

    @property
    def height(self) -> int:
        """How high to show the HTML, in pixels: guessed from the lines of its text, its table rows and its
        pictures, because no script may measure it in a frame without rights."""
        text = self.text if self.text is not None else re.sub(r"<[^>]*>", "\n", self.html or "")
        lines = sum(1 + len(line) // CHARACTERS_PER_LINE for line in text.splitlines() if line.strip())
        cells = len(re.findall(r"<tr\b", self.html or "", re.I))
        guess = 2 * MARGIN + lines * LINE_HEIGHT + cells * ROW_PADDING + len(self.pictures) * PICTURE_HEIGHT
        return min(max(guess, HEIGHT_MIN), HEIGHT_MAX)

    def header(self, name: str) -> str:
        """The first header of this name, decoded; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def read(content: bytes) -> ParsedMail:
    """Take the mail apart."""
    message = message_from_bytes(content, policy=policy.compat32)
    text = html = None
    attachments: list[Attachment] = []
    pictures: list[tuple[str, Attachment]] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        is_body = part.get_content_disposition() != "attachment" and part.get_filename() is None
        if is_body and kind == "text/plain" and text is None:
            text = _text_of(part)
        elif is_body and kind == "text/html" and html is None:
            html = _text_of(part)
        elif is_body and kind in PICTURES and (content_id := str(part.get("Content-ID", "")).strip(" <>")):
            pictures.append((content_id, _attachment(part, len(pictures) + 1)))
        else:
            attachments.append(_attachment(part, len(attachments) + 1))
    headers = tuple((name, decoded(value)) for name, value in message.raw_items())
    return ParsedMail(headers, text, html, tuple(attachments), tuple(pictures))


def subject_and_named(content: bytes) -> tuple[str, set[str]]:
    """The subject, and every address in To and Cc, in lower case."""
    message = message_from_bytes(content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=policy.compat32)
    headers = [(name.lower(), str(value)) for name, value in message.raw_items()]
    named = getaddresses([_as_text(value) for name, value in headers if name in ("to", "cc")])
    subject = next((decoded(value) for name, value in headers if name == "subject"), "")
    return subject, {address.lower() for _, address in named}


def decoded(header: object) -> str:
    """A header's value as a person reads it, on one line; what cannot be decoded is shown as it came."""
    raw = re.sub(r"\r?\n[ \t]*", " ", _as_text(str(header)))
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError):
        return raw


def _as_text(raw: str) -> str:
    """A header that came with bytes beyond ASCII, read as UTF-8."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _attachment(part: Message, number: int) -> Attachment:
    kind = part.get_content_type().lower()
    name = safe_name(_file_name(part)) or f"part-{number}"
    content = part.get_payload(decode=True)
    return Attachment(
        name,
        kind if MEDIA_TYPE.fullmatch(kind) else "application/octet-stream",
        content if isinstance(content, bytes) else b"",
    )


def _file_name(part: Message) -> str:
    given = part.get_param("filename", None, "content-disposition") or part.get_param("name")
    return decoded(collapse_rfc2231_value(given)) if given else ""


def safe_name(name: str) -> str:
    """The last part of the name, without what a file system or a header could stumble over."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r'[\x00-\x1f\x7f-\x9f\u2028\u2029<>:"|?*]', "_", last).strip(" .")[:150]


def _text_of(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("latin-1")
