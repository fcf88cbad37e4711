"""The child's side of sandbox.py: reads batches of questions, and answers each with a line of JSON. It has
nothing to lose: no database, no secrets, no file that it could write."""

from __future__ import annotations

import json
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

Answer = Sequence[str | int | bytes | Sequence[str] | None]
"""Plain data; bytes only in the last place."""


def serve(answer: Callable[[Any], Answer]) -> None:
    """Answer until no more questions come, within the limits given as `python -m module SECONDS MEGABYTES`.

    The kernel ends this process over a question that takes longer, even if its parent is gone: a template may
    keep the interpreter busy in one single step."""
    seconds, megabytes = float(sys.argv[1]), int(sys.argv[2])
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    limit(megabytes)
    _write(answers, ("ready",))
    while size := int.from_bytes(questions.read(8), "big"):
        for question in pickle.loads(questions.read(size)):  # noqa: S301  # its only writer is its parent
            signal.setitimer(signal.ITIMER_REAL, seconds)
            found = answer(question)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(answers, found)


def limit(megabytes: int) -> None:
    """Limit the memory; allow no file to write to and no core dump."""
    for what, value in (
        (resource.RLIMIT_AS, megabytes * 2**20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (most, most))


def _write(answers: IO[bytes], words: Answer) -> None:
    """Write one line of JSON. Bytes follow it as they are: as text they would need a third more."""
    line: list[Any] = list(words)
    content: bytes = line[-1] if isinstance(line[-1], bytes) else b""
    if content:
        line[-1] = {"bytes": len(content)}
    answers.write(json.dumps(line).encode() + b"\n" + content)
    answers.flush()
