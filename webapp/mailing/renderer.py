"""Templates run in a long-lived child process, in batches of plain data, with limits on time, memory and
output: one that runs away costs its own message only (spec security.md, C5 and C6).

Data go to the child pickled, and come back as JSON: what a template could get hold of is never unpickled."""

from __future__ import annotations

import json
import os
import pickle
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from webapp.mailing.texts import MessageText, Rendered, Unrenderable

SECONDS = 5.0
"""For one message: subject, body and the text made from it."""
MEGABYTES = 512
START_SECONDS = 60.0
"""How long the child itself may take to come up, on a machine with too much to do."""
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "HOME")
"""What the child may know of the environment: no key, no password, no address."""
BATCH = 200
"""Messages per frame: what the child has in its hands at once."""


Question = tuple[MessageText, dict[str, Any], tuple[Mapping[str, Any], ...]]
"""A message, the names that its templates see, and those that the names of its files see besides."""


@dataclass(frozen=True)
class ToRender:
    """One message's templates, and the names that they see: dicts, lists, texts, numbers, dates; no objects.
    `files`: what the template of file names sees besides, file by file."""

    message: MessageText
    names: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...] = ()


class Renderer:
    """The templates' child process: started at the first use, and again whenever it had to be ended.

    May be used from several threads; one batch is rendered at a time."""

    def __init__(self, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
        self.seconds, self.megabytes = seconds, megabytes
        self._turn = threading.Lock()
        self._child: Child | None = None

    def render_all(self, batch: Sequence[ToRender]) -> list[Rendered | Unrenderable]:
        """What becomes of each message, in order. Raises OSError if no child process can be started."""
        with self._turn:
            rendered: list[Rendered | Unrenderable] = []
            died_at = -1
            while len(rendered) < len(batch):
                at = len(rendered)
                some, gone = self._some(batch[at : at + BATCH])
                rendered += some
                if gone is not None and (gone.is_late or died_at == len(rendered)):
                    rendered.append(Unrenderable(str(gone)))
                elif gone is not None:  # it may have been killed from outside: tried again, once
                    died_at = len(rendered)
            return rendered

    def render(self, one: ToRender) -> Rendered | Unrenderable:
        """What becomes of one message."""
        return self.render_all([one])[0]

    def close(self) -> None:
        """Ends the child; the next batch would start another."""
        with self._turn:
            self._end()

    def _some(self, batch: Sequence[ToRender]) -> tuple[list[Rendered | Unrenderable], ChildGone | None]:
        """Renders from the beginning of the batch, up to its end or to the first over which the child is
        gone."""
        rendered: list[Rendered | Unrenderable] = []
        try:
            if self._child is None:
                self._child = Child(self.seconds, self.megabytes)
            self._child.give([(one.message, dict(one.names), one.files) for one in batch])
            for _ in batch:
                rendered.append(self._child.next_answer(self.seconds))
        except ChildGone as gone:
            self._end()
            return rendered, gone
        except BaseException:  # an answer that nobody waits for any more must not meet the next question
            self._end()
            raise
        return rendered, None

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class ChildGone(Exception):
    """The child was ended over a message, because it took too long, or died over it; the words say which."""

    def __init__(self, words: str, *, is_late: bool = False) -> None:
        super().__init__(words)
        self.is_late = is_late


class Child:
    """One process that renders, as long as it lives."""

    def __init__(self, seconds: float, megabytes: int) -> None:
        command = [sys.executable, "-m", "webapp.mailing.renderer_child", str(seconds + 1), str(megabytes)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent.parent,
            env={name: value for name, value in os.environ.items() if name in PASSED_ON},
            bufsize=0,
            start_new_session=True,  # Ctrl-C is the worker's to answer: it ends the batch, then the child
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in: IO[bytes] = self.process.stdin
        self._out: IO[bytes] = self.process.stdout
        self._pending = b""
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._out, selectors.EVENT_READ)
        if not self._line(START_SECONDS):
            raise OSError("the process that renders templates could not be started")

    def give(self, batch: list[Question]) -> None:
        """Hands the batch over; the child reads all of it before it begins."""
        frame = pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL)
        left = memoryview(len(frame).to_bytes(8, "big") + frame)
        try:
            while left:
                left = left[self._in.write(left) :]
        except BrokenPipeError:
            raise ChildGone("the process that renders templates ended before it began") from None

    def next_answer(self, seconds: float) -> Rendered | Unrenderable:
        """The next message's texts. Raises ChildGone if they do not come in time, or not at all."""
        line = self._line(seconds)
        if line is None:
            words = f"the template ran for more than {seconds:g} seconds, and was ended"
            raise ChildGone(words, is_late=True)
        if not line:
            raise ChildGone("the template took more time or memory than a mail may have, and was ended")
        kind, *values = json.loads(line)
        if kind != "rendered":
            return Unrenderable(*values)
        subject, text, html, file_names = values
        return Rendered(subject, text, html, tuple(file_names))

    def _line(self, seconds: float) -> bytes | None:
        """The next line; None if it does not come within so many seconds, empty if none will come."""
        until = time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not self._waiting.select(max(0.0, until - time.monotonic())):
                return None
            received = self._out.read(1 << 20)
            if not received:
                return b""
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return line + b"\n"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._waiting.close()
        self._in.close()
        self._out.close()
