"""What a returned mail says: from its bytes to a value. Nothing in it is trusted: any bytes at all make a
ReturnSays.

1. A delivery report (RFC 3464), judged by `Action`. Postfix marks its reports `Auto-Submitted: auto-replied`:
   so this comes before the automatic replies. A complaint is a report, too (ARF, RFC 5965).
2. An automatic reply (RFC 3834), or one that is out of office.
3. Only for a mail to an address that this installation has signed: the forms of bounces that mail systems
   had before there were reports (flufl.bounce). It would take a person's reply that quotes “permanent fatal
   errors” for a bounce.
4. A person's reply, or nothing that we know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr

from flufl.bounce import all_failures

from webapp.bounces.reports import (
    STATUS_CODE,
    RecipientReport,
    envelope_id,
    own_parts,
    recipient_reports,
    returned_headers,
    returned_message_id,
    status_parts,
)
from webapp.mailing import return_address
from webapp.mailing.return_address import ReturnToken
from webapp.store.bounces import MailKind, MatchedBy
from webapp.store.types import storable

ADDRESSED_IN = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to")
"""The headers that have the address that a mail was delivered to."""
DAEMON = re.compile(r"mailer[-_. ]?daemon|postmaster|mail[-_ ]?delivery|mdaemon", re.IGNORECASE)
AUTO_SUBJECT = re.compile(
    r"^(automatic reply|auto(matic)?[- ]?(reply|response|antwort|matisch)|out of (the )?office|"
    r"automatisch antwoord|abwesenheit|afwezig|r[ée]ponse automatique|vacation|absence)",
    re.IGNORECASE,
)
REPLY_SUBJECT = re.compile(r"^\s*(re|aw|antw|sv|vs|r[ée]f|rif)\s*(\[\d+\])?\s*:", re.IGNORECASE)
BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
BOUNDARIES_MAX = 50
"""Parts within parts: the parser holds each line against each boundary around it."""
BROKEN = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What the parser, and flufl.bounce, end with on some of what strangers send."""
OLD_FORMS_MAX = 200_000
"""Bytes that are searched for the old forms of bounces."""
SMTP_REPLY = re.compile(r"\b([45]\d\d)[ -](?=\S)[^\n]{3,300}")


@dataclass(frozen=True)
class ReturnSays:
    """What a returned mail says. `token` and `matched_by`: which of our mails it is about, by what we have
    signed; `message_id`: the one that it quotes, which others know, too."""

    kind: MailKind
    sent_from: str = ""
    subject: str = ""
    recipients: tuple[RecipientReport, ...] = ()
    token: ReturnToken | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    message_id: str = ""
    quoted: str = field(default="", repr=False)

    def about(self, action: str) -> list[RecipientReport]:
        """The recipients of whom it says so."""
        return [each for each in self.recipients if each.action == action]


def understand(raw: bytes, secret_keys: Sequence[str]) -> ReturnSays:
    """What this mail says. `secret_keys`: this installation's, the newest first."""
    if len(BOUNDARY.findall(raw)) <= BOUNDARIES_MAX:
        with suppress(*BROKEN):
            return _understood(message_from_bytes(raw), raw, secret_keys)
    mail = BytesHeaderParser().parsebytes(raw)
    with suppress(*BROKEN):
        token, matched_by = _token(mail, [], secret_keys)
        return ReturnSays(MailKind.OTHER, _sender_of(mail), token=token, matched_by=matched_by)
    return ReturnSays(MailKind.OTHER)


def _understood(mail: Message, raw: bytes, secret_keys: Sequence[str]) -> ReturnSays:
    reports = status_parts(mail)
    token, matched_by = _token(mail, reports, secret_keys)
    recipients = tuple(each for part in reports for each in recipient_reports(part))
    kind = _kind_by_report(mail, recipients)
    if kind is None and is_automatic(mail):
        kind = MailKind.AUTO_REPLY
    if kind is None and token is not None and not _is_of_person(mail):
        kind, recipients = _by_old_forms(mail, raw)
    if kind is None:
        kind = MailKind.REPLY if _is_of_person(mail) else MailKind.OTHER
    return ReturnSays(
        kind,
        _sender_of(mail),
        storable(_header(mail, "subject"))[:500],
        recipients,
        token,
        matched_by,
        storable(returned_message_id(mail, raw)),
        storable(_text(mail)),
    )


def _token(
    mail: Message, reports: Sequence[Message], secret_keys: Sequence[str]
) -> tuple[ReturnToken | None, MatchedBy]:
    """The mail that this one is about, by a token that is ours: in the address that it came to, in the
    report's envelope id, or in the return path of the mail that it returns."""
    came_to = [str(value) for name in ADDRESSED_IN for value in mail.get_all(name, [])]
    if found := return_address.find(secret_keys, came_to):
        return found, MatchedBy.RETURN_ADDRESS
    if found := return_address.find(secret_keys, [envelope_id(part) for part in reports]):
        return found, MatchedBy.ENVELOPE_ID
    returned = returned_headers(mail)
    paths = [] if returned is None else [str(value) for value in returned.get_all("return-path", [])]
    if found := return_address.find(secret_keys, paths):
        return found, MatchedBy.RETURN_ADDRESS
    return None, MatchedBy.NOTHING


def _kind_by_report(mail: Message, recipients: Sequence[RecipientReport]) -> MailKind | None:
    """What a report for programs says; None if there is none, or it says nothing."""
    kinds = {part.get_content_type() for part in own_parts(mail)}
    report_type = str(mail.get_param("report-type") or "").lower()
    if report_type == "feedback-report" or "message/feedback-report" in kinds:
        return MailKind.COMPLAINT
    if report_type == "disposition-notification" or "message/disposition-notification" in kinds:
        return MailKind.AUTO_REPLY
    actions = {each.action for each in recipients}
    if "failed" in actions:
        return MailKind.BOUNCE
    if "delayed" in actions:
        return MailKind.DELAY
    return MailKind.DELIVERED if actions - {""} else None


def is_automatic(mail: Message) -> bool:
    """Whether a program has answered for a person (RFC 3834). A mail system that returns a mail may say of
    itself that it is one: it is told by its name."""
    if DAEMON.search(_header(mail, "from")):
        return False
    submitted = str(mail.get("auto-submitted", "no")).strip().lower()
    precedence = str(mail.get("precedence", "")).strip().lower()
    named = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-response-suppress", "x-apple-action")
    return (
        not submitted.startswith("no")
        or precedence in ("auto_reply", "auto-reply")
        or any(mail.get(name) for name in named)
        or bool(AUTO_SUBJECT.search(_header(mail, "subject")))
    )


def _is_of_person(mail: Message) -> bool:
    """Whether it looks like a mail that a person wrote."""
    if DAEMON.search(_header(mail, "from")) or str(mail.get("return-path", "")).strip() == "<>":
        return False
    answers = mail.get("in-reply-to") or mail.get("references")
    return bool(answers) or bool(REPLY_SUBJECT.search(_header(mail, "subject")))


def _by_old_forms(mail: Message, raw: bytes) -> tuple[MailKind | None, tuple[RecipientReport, ...]]:
    """What a bounce without a report says: whom it is about, and the first reply of a server in it."""
    if len(raw) > OLD_FORMS_MAX:
        mail = message_from_bytes(raw[:OLD_FORMS_MAX])
    try:
        for_now, for_good = all_failures(mail)
    except BROKEN:
        return None, ()
    text = _text(mail)
    found, code = SMTP_REPLY.search(text), STATUS_CODE.search(text)
    reply = found[0].strip() if found else ""
    action = "failed" if for_good else "delayed"
    about = tuple(
        RecipientReport(address, address, action, code[0] if code else "", reply, "")
        for address in sorted(_lowered(for_good or for_now))
    )
    if for_good:
        return MailKind.BOUNCE, about
    return (MailKind.DELAY, about) if for_now else (None, ())


def _lowered(addresses: frozenset[bytes]) -> set[str]:
    return {address.decode("ascii", "replace").lower()[:320] for address in addresses}


def _sender_of(mail: Message) -> str:
    name, address = parseaddr(_header(mail, "from"))
    return storable(address or name or _header(mail, "return-path"))[:320]


def _header(mail: Message, name: str) -> str:
    value = str(mail.get(name, ""))
    try:
        return str(make_header(decode_header(value))).strip()
    except (ValueError, LookupError):  # an unknown character set, or what is none
        return value.strip()


TEXT_MAX = 20_000


def _text(mail: Message) -> str:
    """The beginning of the text that a person would read."""
    for part in own_parts(mail):
        if part.get_content_maintype() == "text" and not part.is_multipart():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content[:TEXT_MAX].decode(_charset(part), "replace")
    return ""


def _charset(part: Message) -> str:
    charset = str(part.get_content_charset() or "utf-8")
    try:
        "".encode(charset)
    except LookupError:
        return "utf-8"
    return charset
