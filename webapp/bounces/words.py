"""What returned mails say, in words of ours: enhanced status codes (RFC 3463, and its registry at IANA)."""

from __future__ import annotations

from webapp.store.bounces import GuessGround, MailKind, MatchedBy, ReturnedMail
from webapp.translation import N_, _, translated

BY_CODE = {
    "1.0": N_("the address is not accepted"),
    "1.1": N_("no such mailbox"),
    "1.2": N_("the domain takes no mail"),
    "1.3": N_("the address is written wrongly"),
    "1.4": N_("the address is ambiguous"),
    "1.6": N_("the mailbox has moved"),
    "1.10": N_("the domain takes no mail"),
    "2.0": N_("a problem with the mailbox"),
    "2.1": N_("the mailbox is disabled"),
    "2.2": N_("the mailbox is full"),
    "2.3": N_("the mail is too large"),
    "2.4": N_("a problem with a mailing list"),
    "3.4": N_("the mail is too large"),
    "4.1": N_("the server does not answer"),
    "4.2": N_("the connection is bad"),
    "4.3": N_("a problem in looking up the domain"),
    "4.4": N_("the domain has no mail server"),
    "4.6": N_("the mail went in a circle"),
    "4.7": N_("it could not be delivered in time"),
    "7.0": N_("refused by a rule of the server"),
    "7.1": N_("refused by a rule of the server"),
    "7.26": N_("refused: SPF, DKIM or DMARC does not fit"),
}
BY_CLASS = {
    "1": N_("a problem with the address"),
    "2": N_("a problem with the mailbox"),
    "3": N_("a problem of the server"),
    "4": N_("a problem on the way"),
    "5": N_("a problem of the protocol"),
    "6": N_("a problem with the content"),
    "7": N_("refused by a rule of the server"),
}
NOT_SAID = N_("it does not say why")
STILL_TRYING = N_("still trying: %(why)s")
WITH_CODE = N_("%(words)s (%(code)s)")
WITH_REPLY = N_("%(words)s (code %(code)s): %(reply)s")
WITHOUT_REPLY = N_("%(words)s (code %(code)s)")
"""As a result keeps it. The word makes it a sentence that stored_texts.py finds."""

KINDS = {
    MailKind.BOUNCE: N_("a bounce"),
    MailKind.DELAY: N_("a delay"),
    MailKind.DELIVERED: N_("a report of delivery"),
    MailKind.AUTO_REPLY: N_("an automatic reply"),
    MailKind.REPLY: N_("a reply from a person"),
    MailKind.COMPLAINT: N_("a complaint: marked as spam"),
    MailKind.OTHER: N_("not understood"),
}
MATCHED_BY = {
    MatchedBy.RETURN_ADDRESS: N_("the signed return address of this mail"),
    MatchedBy.ENVELOPE_ID: N_("the signed id in the report"),
}


def code_words(code: str) -> str:
    """What a status code means, in English: marked to be translated."""
    kind, _dot, detail = code.partition(".")
    return BY_CODE.get(detail) or BY_CLASS.get(detail.partition(".")[0], "") if kind else ""


def told(code: str, reply: str) -> str:
    """What to store of it, in English: no such mailbox (code 5.1.1): 550 5.1.1 User unknown"""
    said = code_words(code)
    if not said:
        return reply or NOT_SAID
    return (WITH_REPLY if reply else WITHOUT_REPLY) % {"words": said, "code": code, "reply": reply}


def says(mail: ReturnedMail) -> str:
    """What it says, for a page: no such mailbox (5.1.1)"""
    if mail.kind not in (MailKind.BOUNCE, MailKind.DELAY):
        return translated(KINDS[MailKind(mail.kind)])
    words = translated(code_words(mail.code)) if mail.code else ""
    if not words:
        words = mail.reply or translated(NOT_SAID)
    if mail.code:
        words = _(WITH_CODE, words=words, code=mail.code)
    return _(STILL_TRYING, why=words) if mail.kind == MailKind.DELAY else words


def ground(mail: ReturnedMail) -> str:
    """Why the guess is one."""
    if mail.guess_ground == GuessGround.RETURN_ADDRESS:
        return _("it came to the signed return address of this mail")
    if mail.guess_ground == GuessGround.MESSAGE_ID:
        return _("it quotes the Message-ID of this mail")
    if mail.guess_count > 1:
        return _("same address, %(num)s mails possible", num=mail.guess_count)
    return _("same address")


def matched_by(mail: ReturnedMail) -> str:
    """How it was matched."""
    if mail.matched_by == MatchedBy.PERSON:
        return mail.decided_by
    return translated(MATCHED_BY[MatchedBy(mail.matched_by)]) if mail.matched_by else ""
