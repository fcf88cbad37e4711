"""Runs what handles foreign input (templates, documents) in a long-lived child process with limits on time,
memory and output: what runs away costs only its own question.

Questions go to the child pickled, and answers come back as JSON, some with plain bytes after it: nothing that
a template or a document could get hold of is ever unpickled. The child's side is sandbox_child.py."""

from __future__ import annotations

import json
import os
import pickle
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MEGABYTES = 512
START_SECONDS = 60.0
"""How long the child may take to start, or to read what it is given, on a busy machine."""
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "HOME")
"""What the child may know of the environment: no key, no password, no address."""
BATCH = 200
"""Questions per frame: what the child holds at once."""
NICENESS, NICENESS_OF_SESSION = 15, 5
"""How far a child yields within its session, and as a session: enough for a preview, and all that a template
which never ends can take. Beside a process that sends, the first leaves it a thirtieth of a processor. The
second counts where Linux shares processors out by session, and leaves it a third of what the process gets:
there may be many sessions, and a child must start again within its time."""
ANSWER_BYTES_MAX = 100 * 2**20
"""A child that answers more is ended: it must not fill the memory of its parent instead of its own."""


@dataclass(frozen=True)
class NoAnswer:
    """The child was ended over a question, because it took too long, or died over it."""

    is_late: bool


class SandboxProcess:
    """A child process that answers questions. It is started at the first question, and again whenever it had
    to be ended.

    `module` is what it runs; a question may take up to `seconds`. One that `yields` leaves the processor to
    what sends mails. May be used from several threads; one batch is answered at a time."""

    def __init__(
        self, module: str, seconds: float, megabytes: int = MEGABYTES, *, yields: bool = False
    ) -> None:
        self.module, self.seconds, self.megabytes, self.yields = module, seconds, megabytes, yields
        self._turn = threading.Lock()
        self._child: Child | None = None

    def ask_all(self, questions: Sequence[Any], until: float = float("inf")) -> list[list[Any] | NoAnswer]:
        """The answer to each question, in order. If `until` (monotonic) passes meanwhile, only the first
        ones, but at least one.

        A question over which the child died is asked once more, by itself: the child may have been killed
        from outside, or by the size of its batch. Raises OSError if no child process can be started."""
        with self._turn:
            answers: list[list[Any] | NoAnswer] = []
            most, alone = BATCH, False
            while len(answers) < len(questions) and not (answers and time.monotonic() > until):
                at = len(answers)
                some, gone = self._some(questions[at : at + (1 if alone else most)], until)
                answers += some
                if alone and some:
                    most = max(1, most // 4)  # the batch as a whole may have been too much to read
                if gone is not None and (gone.is_late or (alone and not some)):
                    answers.append(NoAnswer(gone.is_late))
                    gone = None
                alone = gone is not None
            return answers

    def close(self) -> None:
        """End the child; the next question would start another."""
        with self._turn:
            self._end()

    def _some(self, questions: Sequence[Any], until: float) -> tuple[list[list[Any]], ChildGone | None]:
        """Answers from the beginning of the batch: to its end, to the first over which the child is gone, or
        to the first after `until`."""
        answers: list[list[Any]] = []
        try:
            if self._child is None:
                self._child = Child(self.module, self.seconds, self.megabytes, yields=self.yields)
            self._child.give(questions)
            for _ in questions:
                answers.append(self._child.next_answer(self.seconds))
                if time.monotonic() > until and len(answers) < len(questions):
                    self._end()  # it would go on with the others
                    break
        except ChildGone as gone:
            self._end()
            return answers, gone
        except BaseException:  # an answer that is no longer awaited must not meet the next question
            self._end()
            raise
        return answers, None

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class ChildGone(Exception):
    """The child is gone, or too slow with the current question."""

    def __init__(self, *, is_late: bool = False) -> None:
        super().__init__("too late" if is_late else "gone")
        self.is_late = is_late


def _yield_processor(pid: int) -> None:
    """Have a process of a session of its own leave the processor to others.

    Where Linux shares processors out by session (sched(7), "The autogroup feature"), being nice counts only
    within one; what counts between them is the niceness of the session. Elsewhere there is no such file, or
    it may not be written. Who is not root may set one session in a tenth of a second on the whole machine,
    and is told to try again."""
    os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    for _ in range(10):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS_OF_SESSION))
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


class Child:
    """One process that answers, as long as it lives."""

    def __init__(self, module: str, seconds: float, megabytes: int, *, yields: bool) -> None:
        command = [sys.executable, "-m", module, str(seconds + 1), str(megabytes)]
        self.process = subprocess.Popen(  # noqa: S603  # a command of our own, a list: no shell reads it
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
        os.set_blocking(self._in.fileno(), False)
        self._pending = bytearray()
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._out, selectors.EVENT_READ)
        if not self._line(START_SECONDS):
            raise OSError(f"the child process {module} could not be started")
        if yields:
            _yield_processor(self.process.pid)

    def give(self, questions: Sequence[Any]) -> None:
        """Send the batch; the child reads all of it first. Raises ChildGone if it does not."""
        frame = pickle.dumps(list(questions), protocol=pickle.HIGHEST_PROTOCOL)
        left = memoryview(len(frame).to_bytes(8, "big") + frame)
        until = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as room:
            room.register(self._in, selectors.EVENT_WRITE)
            try:
                while left:
                    if not room.select(max(0.0, until - time.monotonic())):
                        raise ChildGone
                    left = left[self._in.write(left) or 0 :]
            except BrokenPipeError:
                raise ChildGone from None

    def next_answer(self, seconds: float) -> list[Any]:
        """The next answer. Raises ChildGone if it does not come in time, or not at all."""
        until = time.monotonic() + seconds
        line = self._line(seconds)
        if not line:
            raise ChildGone(is_late=line is None)
        answer: list[Any] = json.loads(line.decode("ascii"))
        if answer and isinstance(answer[-1], dict):  # this many bytes follow
            answer[-1] = self._bytes(answer[-1]["bytes"], until)
        return answer

    def _line(self, seconds: float) -> bytes | None:
        """The next line; None if it does not come within `seconds`, empty if none will come."""
        until, searched = time.monotonic() + seconds, 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if not (received := self._receive(until)):
                return received
        return self._taken(end + 1)

    def _bytes(self, size: int, until: float) -> bytes:
        """The next bytes. Raises ChildGone."""
        while len(self._pending) < size:
            if not (received := self._receive(until)):
                raise ChildGone(is_late=received is None)
        return self._taken(size)

    def _receive(self, until: float) -> bytes | None:
        """What has come, added to what is pending; None if nothing comes before `until` (monotonic), empty if
        nothing will come, or too much has."""
        if not self._waiting.select(max(0.0, until - time.monotonic())):
            return None
        received = self._out.read(1 << 20) or b""
        self._pending += received
        return received if len(self._pending) <= ANSWER_BYTES_MAX else b""

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._pending[:size])
        del self._pending[:size]
        return taken

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self._waiting.close()
        self._in.close()
        self._out.close()
