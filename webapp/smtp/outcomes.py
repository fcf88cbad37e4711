"""A mail server's answers, as values."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.store.statuses import TroubleKind


@dataclass(frozen=True)
class Reply:
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


Refusals = dict[str, str]
"""address → the server's words."""


@dataclass(frozen=True)
class Offered:
    """The server has the whole message except its last line. Some recipients may have been refused for
    good."""

    refused: Refusals


@dataclass(frozen=True)
class Accepted:
    """The server took responsibility: a 2yz reply to the final dot."""

    reply: Reply


@dataclass(frozen=True)
class Deferred:
    """A temporary refusal. `closing`: the server said 421, so nothing more can go over it at present."""

    stage: str
    reply: Reply
    closing: bool = False


@dataclass(frozen=True)
class Rejected:
    """A permanent refusal."""

    stage: str
    reply: Reply


@dataclass(frozen=True)
class Unknown:
    """The final dot went out and no reply came: the message may have been sent."""

    words: str


@dataclass(frozen=True)
class Broken:
    """The connection was lost before the final dot: the message did not go out. `stale`: the connection had
    served an earlier message and was closed before this one began, which says nothing about this one."""

    stage: str
    words: str
    stale: bool = False


@dataclass(frozen=True)
class ServerTrouble:
    """The server itself is the problem: no message is to blame. `kind`: what it needs; `reply`: what it
    said, if that was to a message."""

    words: str
    kind: TroubleKind = TroubleKind.PASSING
    reply: Reply | None = None


Offer = Offered | Deferred | Rejected | Broken | ServerTrouble
Finish = Accepted | Deferred | Rejected | Unknown | Broken | ServerTrouble
