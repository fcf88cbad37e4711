"""Who a message goes to, and what a server's replies to that come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.mailing.outcomes import Deferred, Refusals, Rejected, Reply, ServerTrouble


@dataclass(frozen=True)
class Envelope:
    sender: str
    to: tuple[str, ...]
    bcc: tuple[str, ...] = ()


def judged(
    envelope: Envelope, replies: Sequence[Reply], refused: Refusals
) -> Deferred | Rejected | ServerTrouble | None:
    """What the replies to MAIL and to each RCPT come to, as far as they are in; None: the message may go on.

    1. MAIL: 552 refuses the message; any other refusal is the server's trouble, and so is a 421 to a RCPT.
    2. A To refused for now: the message is deferred. All of them refused for good: it is refused.
    3. Whoever else is refused, a Bcc or one To of several, is put into `refused`, no more.
    """
    mail, rcpts = replies[0] if replies else None, replies[1:]
    if mail is None:
        return None
    if mail.code == 552:
        return Rejected("MAIL", mail)
    if mail.code // 100 != 2:
        return ServerTrouble(f"{mail} (to MAIL FROM)")
    last: Reply | None = None
    for number, (address, reply) in enumerate(zip((*envelope.to, *envelope.bcc), rcpts, strict=False)):
        if reply.code == 421:
            return ServerTrouble(f"{reply} (to RCPT TO)")
        if reply.code // 100 == 2:
            continue
        if reply.code // 100 == 4 and number < len(envelope.to):
            return Deferred("RCPT", reply)
        refused[address] = str(reply)
        last = reply if number < len(envelope.to) else last
    if last is not None and all(address in refused for address in envelope.to):
        return Rejected("RCPT", last)
    return None


def refusal(stage: str, reply: Reply) -> Deferred | Rejected | ServerTrouble:
    """What a refusal of DATA comes to."""
    if reply.code == 421:
        return ServerTrouble(f"{reply} (to {stage})")
    return Rejected(stage, reply) if reply.code // 100 == 5 else Deferred(stage, reply)
