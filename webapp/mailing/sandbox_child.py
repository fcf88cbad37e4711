"""The child's side of confined.py: reads batches of questions, and answers each with a line of JSON. It has
nothing to lose: no database, no secrets, no file that it could write."""

from __future__ import annotations

import json
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

Answer = Sequence[str | int | Sequence[str] | None]


def serve(answer: Callable[[Any], Answer]) -> None:
    """Answers until nobody asks any more, as `python -m module SECONDS MEGABYTES` says it may.

    A question that takes more than so many seconds has the kernel end this process, though nobody be left to
    watch it: a template may keep the interpreter busy in one single step."""
    seconds, megabytes = float(sys.argv[1]), int(sys.argv[2])
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    limit(megabytes)
    _write(answers, ("ready",))
    while size := int.from_bytes(questions.read(8), "big"):
        for question in pickle.loads(questions.read(size)):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            found = answer(question)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _write(answers, found)


def limit(megabytes: int) -> None:
    """So much memory, no file to write to, no core to dump."""
    for what, value in (
        (resource.RLIMIT_AS, megabytes * 2**20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (most, most))


def _write(answers: IO[bytes], words: Answer) -> None:
    answers.write(json.dumps(words).encode() + b"\n")
    answers.flush()
