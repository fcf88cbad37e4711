"""Who a message goes to, and what the server's replies to that amount to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from webapp.smtp.outcomes import Deferred, Refusals, Rejected, Reply, ServerTrouble
from webapp.store.statuses import TroubleKind
from webapp.translation import N_

_ABOUT_OUR_NAME = re.compile(r"\b(helo|ehlo)\b", re.IGNORECASE)
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
TO = N_("%(reply)s (to %(stage)s)")
_OUR_NAME_CODES = frozenset({450, 501, 504, 550, 554})


@dataclass(frozen=True)
class Envelope:
    """`id`: what a server that reports on deliveries (RFC 3461) is to name the mail by; empty: it is not
    asked to report."""

    sender: str
    to: tuple[str, ...]
    bcc: tuple[str, ...] = ()
    id: str = ""

    def commands(self, features: Collection[str], size: int) -> list[str]:
        """MAIL and each RCPT, as a server with these extensions takes them. A server without DSN would refuse
        what asks for reports (RFC 3461). Of a mail that comes back, its headers are enough."""
        reports = bool(self.id) and "dsn" in features
        mail = f"MAIL FROM:<{self.sender}>" + (f" SIZE={size}" if "size" in features else "")
        if reports:
            mail += f" RET=HDRS ENVID={xtext(self.id)}"
        asked = " NOTIFY=FAILURE,DELAY ORCPT=rfc822;" if reports else ""
        return [
            mail,
            *(
                f"RCPT TO:<{address}>" + (asked + xtext(address) if asked else "")
                for address in (*self.to, *self.bcc)
            ),
        ]


def xtext(text: str) -> str:
    """The text as a parameter of MAIL and RCPT may have it (RFC 3461, section 4)."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def judged(
    envelope: Envelope, replies: Sequence[Reply], refused: Refusals
) -> Deferred | Rejected | ServerTrouble | None:
    """The outcome of the replies to MAIL and to each RCPT received so far; None: the message may proceed.

    1. MAIL: 552 refuses the message; any other refusal is the server's trouble, and so is a 421 to a RCPT, or
    a refusal of our name in EHLO at either.
    2. If a To is refused for now, the message is deferred. If all are refused for good, it is refused.
    3. Any other refusal, of a Bcc or of one To among several, is only recorded in `refused`."""
    mail, rcpts = replies[0] if replies else None, replies[1:]
    if mail is None:
        return None
    if mail.code == 552:
        return Rejected("MAIL", mail)
    if mail.code // 100 != 2:
        if is_about_our_name(mail):
            return our_name_refused(mail)
        kind = TroubleKind.LOGIN if mail.code == 530 else TroubleKind.PASSING
        return ServerTrouble(TO % {"reply": mail, "stage": "MAIL FROM"}, kind, mail)
    last: Reply | None = None
    for number, (address, reply) in enumerate(zip((*envelope.to, *envelope.bcc), rcpts, strict=False)):
        if reply.code == 421:
            return ServerTrouble(TO % {"reply": reply, "stage": "RCPT TO"}, reply=reply)
        if reply.code // 100 == 2:
            continue
        if is_about_our_name(reply):
            return our_name_refused(reply)
        if reply.code // 100 == 4 and number < len(envelope.to):
            return Deferred("RCPT", reply)
        refused[address] = str(reply)
        last = reply if number < len(envelope.to) else last
    if last is not None and all(address in refused for address in envelope.to):
        return Rejected("RCPT", last)
    return None


def refusal(stage: str, reply: Reply) -> Deferred | Rejected | ServerTrouble:
    """The outcome of a refusal of DATA."""
    if reply.code == 421:
        return ServerTrouble(TO % {"reply": reply, "stage": stage}, reply=reply)
    if is_about_our_name(reply):
        return our_name_refused(reply)
    return Rejected(stage, reply) if reply.code // 100 == 5 else Deferred(stage, reply)


def is_about_our_name(reply: Reply) -> bool:
    """Whether a refusal, at whatever stage, is about the name in our EHLO. Then no message is to blame."""
    return reply.code in _OUR_NAME_CODES and bool(_ABOUT_OUR_NAME.search(reply.text))


OUR_NAME = N_("it refuses our name in EHLO: %(reply)s; set ehlo_name")


def our_name_refused(reply: Reply) -> ServerTrouble:
    """The server refuses our name in EHLO: a setting is wrong, and no message is to blame."""
    return ServerTrouble(OUR_NAME % {"reply": reply}, TroubleKind.SETUP, reply)
