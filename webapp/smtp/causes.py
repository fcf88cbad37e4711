"""Why a mail server cannot be used as it is set up: one word each, with what to change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SetupCause(StrEnum):
    """What is wrong between Mailrun and a mail server."""

    NAME_NOT_FOUND = "name_not_found"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    ONLY_IPV6 = "only_ipv6"
    CLOSED = "closed"
    NOT_SMTP = "not_smtp"
    INTERCEPTED = "intercepted"
    GREETING_REFUSED = "greeting_refused"
    BUSY = "busy"
    NAME_REFUSED = "name_refused"
    NEEDS_TLS_AT_ONCE = "needs_tls_at_once"
    SPEAKS_NO_TLS = "speaks_no_tls"
    NO_STARTTLS = "no_starttls"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_TOO_EARLY = "certificate_too_early"
    CERTIFICATE_NAME = "certificate_name"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_INVALID = "certificate_invalid"
    PASSWORD_MISSING = "password_missing"  # noqa: S105  # a word, not a password
    LOGIN_NOT_OFFERED = "login_not_offered"
    LOGIN_NEEDS_TLS = "login_needs_tls"
    LOGIN_ONLY_OAUTH = "login_only_oauth"
    LOGIN_NO_OAUTH = "login_no_oauth"
    TOKEN_MISSING = "token_missing"  # noqa: S105  # a word, not a password
    TOKEN_REFUSED = "token_refused"  # noqa: S105  # a word, not a password
    LOGIN_UNKNOWN = "login_unknown"
    LOGIN_REFUSED = "login_refused"
    LOGIN_LATER = "login_later"
    LOGIN_BROKEN = "login_broken"
    LOGIN_NEEDED = "login_needed"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MAIL_REFUSED = "mail_refused"
    RELAY_DENIED = "relay_denied"
    GREYLISTED = "greylisted"
    LATER = "later"
    SIZE_TOO_SMALL = "size_too_small"
    PASSWORD_IN_CLEAR = "password_in_clear"  # noqa: S105  # a word, not a password


@dataclass(frozen=True)
class SetupProblem:
    """What is wrong, as a sentence, and what to change."""

    cause: SetupCause
    title: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.title} {self.advice}".strip()
