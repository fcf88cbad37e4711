"""The process that renders templates: `python -m webapp.mailing.renderer_child SECONDS MEGABYTES`.

It reads batches of (templates, names) and answers each message with a line of JSON. It has nothing to lose:
no database, no secrets, no file that it could write."""

from __future__ import annotations

import json
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from typing import IO

from webapp.mailing.render import render
from webapp.mailing.renderer import Question
from webapp.mailing.texts import Rendered


def main(seconds: float, megabytes: int, questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answers until nobody asks any more.

    A message that takes more than so many seconds has the kernel end this process, though nobody be left to
    watch it: a template may keep the interpreter busy in one single step."""
    limit(megabytes)
    answer(answers, "ready")
    while size := int.from_bytes(questions.read(8), "big"):
        batch: list[Question] = pickle.loads(questions.read(size))
        for message, names, files in batch:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            found = render(message, names, files)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if isinstance(found, Rendered):
                answer(answers, "rendered", found.subject, found.text, found.html, found.file_names)
            else:
                answer(answers, "unrenderable", found.problem, found.where, found.line)


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


def answer(answers: IO[bytes], *words: str | int | Sequence[str] | None) -> None:
    answers.write(json.dumps(words).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer, sys.stdout.buffer)
