"""Reads what a mail system says of a mail in a form for programs: delivery reports (RFC 3464), by their
`Action`, and the headers of the mail that it returns. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any

STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
RETURNED_PARTS = ("message/rfc822", "message/global")
RETURNED_HEADERS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
STATUS_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
"""RFC 3463."""
MESSAGE_ID = re.compile(r"^[ \t>]*Message-I[dD]:\s*(<[^<>\s]{3,250}>)", re.MULTILINE | re.IGNORECASE)
SAID_MAX = 2_000
"""Characters of what is kept of one field."""


@dataclass(frozen=True)
class RecipientReport:
    """What a report says of one recipient. `action`: `failed`, `delayed`, or another word of RFC 3464.
    `address`: the one that we sent to, if it is told; `reached`: the one at which it ended."""

    address: str
    reached: str
    action: str
    code: str
    reply: str
    server: str

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)


def status_parts(mail: Message) -> list[Message]:
    """The delivery reports of this mail itself: not those in a mail that it carries, as when a person
    forwards a bounce."""
    return [part for part in own_parts(mail) if part.get_content_type() in STATUS_PARTS]


def own_parts(mail: Message) -> Iterator[Message]:
    """All parts of a mail, but not those of mails that it carries."""
    yield mail
    if mail.is_multipart() and mail.get_content_maintype() == "multipart":
        for part in mail.get_payload():
            if isinstance(part, Message):
                yield from own_parts(part)


def recipient_reports(part: Message) -> list[RecipientReport]:
    """What a delivery report says of each recipient. Blank lines that should be between them may be missing,
    and so may `Action`: then the status says it."""
    server = ""
    groups: list[dict[str, str]] = []
    for block in _blocks(_text_of(part)):
        group: dict[str, str] = {}
        for name, value in block:
            if name == "final-recipient" and name in group:
                groups.append(group)
                group = {}
            group.setdefault(name, value)
        server = server or _typed(group.get("reporting-mta", ""))
        groups.append(group)
    return [_report(group, server) for group in groups if _is_of_recipient(group)]


def envelope_id(part: Message) -> str:
    """What the report calls the mail by: the ENVID that it was sent with (RFC 3461)."""
    for block in _blocks(_text_of(part)):
        for name, value in block:
            if name == "original-envelope-id":
                return value
    return ""


def returned_headers(mail: Message) -> Message | None:
    """The headers of the mail that this one returns."""
    for part in own_parts(mail):
        kind = part.get_content_type()
        if part is mail:
            continue
        if kind in RETURNED_PARTS and part.is_multipart():
            carried = part.get_payload(0)
            if isinstance(carried, Message):
                return carried
        if kind in RETURNED_HEADERS:
            return message_from_bytes(_bytes_of(part).lstrip())
    return None


def returned_message_id(mail: Message, raw: bytes) -> str:
    """The Message-ID of the mail that came back: in the part that returns it, else anywhere in the text."""
    headers = returned_headers(mail)
    if headers is not None and (found := re.search(r"<[^<>\s]{3,250}>", str(headers["message-id"] or ""))):
        return found[0]
    body = raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").partition("\n\n")[2]
    in_text = MESSAGE_ID.search(body)
    return in_text[1] if in_text else ""


def _is_of_recipient(group: dict[str, str]) -> bool:
    names = ("final-recipient", "original-recipient", "action", "status", "diagnostic-code")
    return any(name in group for name in names)


def _report(group: dict[str, str], server: str) -> RecipientReport:
    reply = _typed(group.get("diagnostic-code", ""))
    code = _code(group.get("status", ""), reply)
    words = re.findall(r"[a-z]+", group.get("action", "").lower())
    action = words[0] if words else {"5": "failed", "4": "delayed", "2": "delivered"}.get(code[:1], "")
    if action in ("fail", "failure", "error", "expired", "undeliverable", "bounced"):
        action = "failed"
    reached = _address(group.get("final-recipient", ""))
    return RecipientReport(
        address=_address(group.get("original-recipient", "")) or reached,
        reached=reached,
        action=action,
        code=code,
        reply=reply[:SAID_MAX],
        server=(_typed(group.get("remote-mta", "")) or server)[:255],
    )


def _code(status: str, reply: str) -> str:
    """The status code; one that says nothing (5.0.0) gives way to the one in the server's reply."""
    found = STATUS_CODE.search(status)
    said = found[0] if found else ""
    better = STATUS_CODE.search(reply)
    if better and (not said or (said.endswith(".0.0") and better[1] == said[0])):
        return better[0]
    return said


def _address(field: str) -> str:
    """rfc822; <Name@Example.com> → name@example.com"""
    value = _typed(field).strip(" <>\"'")
    found = re.search(r"[^\s<>\"';]+@[^\s<>\"';,]+", value)
    return (found[0] if found else value)[:320].lower()


def _typed(field: str) -> str:
    """The value of a field that begins with its type: “dns; mx.example.com”."""
    kind, semicolon, value = field.partition(";")
    is_typed = semicolon and re.fullmatch(r"\s*[\w.-]{1,40}\s*", kind)
    return (value if is_typed else field).strip()


def _blocks(text: str) -> list[list[tuple[str, str]]]:
    """The fields of each block of a report, names in lower case, long lines put together."""
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            if blocks[-1]:
                blocks.append([])
            continue
        if line[0] in " \t" and blocks[-1]:
            name, value = blocks[-1][-1]
            blocks[-1][-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and " " not in name.strip():
            blocks[-1].append((name.strip().lower(), value.strip()))
    return [block for block in blocks if block]


def _text_of(part: Message) -> str:
    """The text of a report. The parser takes each block for a mail of its own."""
    payload: Any = part.get_payload()
    text = "\n".join(str(block) for block in payload) if isinstance(payload, list) else str(payload)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding in ("base64", "quoted-printable"):
        plain = Message()
        plain["Content-Transfer-Encoding"] = encoding
        plain.set_payload(text.strip())
        return _bytes_of(plain).decode("utf-8", "replace")
    return text


def _bytes_of(part: Message) -> bytes:
    """The content of a part, decoded. The parser takes headers of the type `message` for a mail."""
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        return "\n".join(str(each) for each in payload).encode("utf-8", "surrogateescape")
    decoded: Any = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""
