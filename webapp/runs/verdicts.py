"""What the transport says, as what becomes of the attempt and of its result: without a final dot it is tried
again, after one only the server's reply decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from webapp.mailing import outcomes
from webapp.store.statuses import Outcome, ResultStatus


@dataclass(frozen=True)
class Verdict:
    """What became of an attempt, and so of its result. `went`: whether the message may have gone out."""

    outcome: Outcome
    status: ResultStatus
    stage: str = ""
    code: int | None = None
    reply: str = ""
    detail: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    transcript: list[tuple[float, str]] = field(default_factory=list)

    @property
    def went(self) -> bool:
        return self.status in (ResultStatus.SENT, ResultStatus.UNCONFIRMED)


def verdict_of(
    outcome: outcomes.Offer | outcomes.Finish,
    refused: Mapping[str, str],
    transcript: list[tuple[float, str]],
) -> Verdict:
    """No final dot sent: ready or deferred. Dot sent and no reply: unconfirmed. 2yz sent, 4yz deferred, 5yz
    failed."""
    told = partial(Verdict, refused=refused, transcript=transcript)
    match outcome:
        case outcomes.Accepted(reply):
            return told(Outcome.ACCEPTED, ResultStatus.SENT, "dot", reply.code, str(reply))
        case outcomes.Deferred(stage, reply):
            return told(Outcome.DEFERRED, ResultStatus.DEFERRED, stage, reply.code, str(reply))
        case outcomes.Refused(stage, reply):
            return told(Outcome.REFUSED, ResultStatus.FAILED, stage, reply.code, str(reply), str(reply))
        case outcomes.Unknown(words):
            return told(Outcome.UNKNOWN, ResultStatus.UNCONFIRMED, "dot", detail=words)
        case outcomes.Broken(stage, words):
            return told(Outcome.BROKEN, ResultStatus.READY, stage, detail=words)
    raise TypeError(f"{outcome} says nothing about a message")
