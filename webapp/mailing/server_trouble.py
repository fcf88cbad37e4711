"""What keeps a mail server from being used, and what that needs: time, or a person who changes a setting."""

from __future__ import annotations

import smtplib

from webapp.mailing.outcomes import Reply, ServerTrouble
from webapp.mailing.smtp_client import WrongSetup, describe
from webapp.store.statuses import TroubleKind
from webapp.store.types import storable


def trouble_of(error: Exception) -> ServerTrouble:
    """What a failure to connect, greet, encrypt or log in amounts to."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error, Reply(error.smtp_code, reply_text(error.smtp_error)))
    if isinstance(error, WrongSetup | smtplib.SMTPNotSupportedError):
        return ServerTrouble(describe(error), TroubleKind.SETUP)
    return ServerTrouble(describe(error))


def _refusal(error: smtplib.SMTPResponseException, reply: Reply) -> ServerTrouble:
    is_for_good = reply.code // 100 == 5
    if is_for_good and isinstance(error, smtplib.SMTPAuthenticationError):
        return ServerTrouble(f"it refuses the login: {reply}", TroubleKind.LOGIN)
    if is_for_good and isinstance(error, smtplib.SMTPHeloError):
        return our_name_refused(reply)
    return ServerTrouble(str(reply))


def our_name_refused(reply: Reply) -> ServerTrouble:
    """The server refuses our name in EHLO: a setting is wrong, and no message is to blame."""
    return ServerTrouble(f"it refuses our name in EHLO: {reply}; set ehlo_name", TroubleKind.SETUP, reply)


def reply_text(reply: bytes | str) -> str:
    """The server's words, as a text that any database accepts."""
    return storable(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply)
