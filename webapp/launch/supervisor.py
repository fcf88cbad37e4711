"""Keeps processes running in the foreground until it is asked to stop; then leaves no process behind.

One thread, one loop: output, the end of a process, and signals all wake the same `select`. One thread
matters: the kernel ends the processes with the thread that started them (process_tree.py).

Own code, because honcho does not restart processes and supervisor is a daemon with a configuration, whose
orphans survive a kill -9."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from webapp.launch import process_tree
from webapp.launch.output import LinePrinter, OutputPipe
from webapp.launch.processes import Part
from webapp.launch.supervised_process import SupervisedProcess
from webapp.translation import _

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PRESSES_THAT_KILL = 3
"""A worker that is killed may leave a message in doubt. So the second Ctrl-C only asks for patience."""


class AskedToStop(Exception):
    """Ctrl-C was pressed, or SIGTERM or SIGHUP was sent."""


class Supervisor:
    def __init__(self, log_style: str = "plain") -> None:
        self._printer = LinePrinter(log_style)
        self.say = self._printer.say
        self.asked = 0
        self._kept: list[SupervisedProcess] = []
        self._selector = selectors.DefaultSelector()
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        for end in (self._wakeup_reader, self._wakeup_writer):
            end.setblocking(False)
        self._selector.register(self._wakeup_reader, selectors.EVENT_READ, self._drain_wakeup)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Within the block the stop signals ask for a stop, and the end of a part wakes the loop."""
        process_tree.adopt_orphans()
        before = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        wakeup = signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or before[number] != signal.SIG_IGN:  # nohup means it
                signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)

    def keep(self, part: Part) -> None:
        """Starts the part, and starts it again whenever it ends."""
        kept = SupervisedProcess(part)
        self._kept.append(kept)
        self._start(kept)

    def run_to_end(self, part: Part) -> int:
        """Runs the part once and gives its exit status. Raises AskedToStop."""
        kept = SupervisedProcess(part, once=True)
        self._kept.append(kept)
        self._start(kept)
        self.wait(lambda: kept.process is None)
        self._kept.remove(kept)
        return kept.status

    def wait(self, enough: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Look after the processes until the condition holds, or the time is over: then False. Raises
        AskedToStop."""
        end = time.monotonic() + seconds
        while not enough():
            if time.monotonic() >= end:
                return False
            self._turn(0.2)
            if self.asked:
                raise AskedToStop
        return True

    def stop(self) -> None:
        """Ends every part, wave by wave: SIGTERM, patience, SIGKILL. No process is left when this returns."""
        for kept in self._kept:
            kept.due = None
        for wave in sorted({kept.part.wave for kept in self._kept}):
            self._end([kept for kept in self._kept if kept.part.wave == wave])
        process_tree.kill_orphans()
        while any(key.data != self._drain_wakeup for key in self._selector.get_map().values()):
            self._turn(0)  # last words; with no writer left, every output has an end

    def _end(self, wave: list[SupervisedProcess]) -> None:
        asked_before = self.asked
        begun = time.monotonic()
        for kept in wave:
            kept.tell(signal.SIGTERM)
        while running := [kept for kept in wave if kept.process]:
            self._turn(0.2)
            if self.asked > asked_before:
                asked_before = self.asked
                names = ", ".join(kept.part.name for kept in running if kept.process)
                self.say(
                    _("Still ending: %(names)s. A message that is on its way is finished first.", names=names)
                )
            for kept in running:
                overdue = time.monotonic() > begun + kept.part.grace
                if overdue or self.asked >= PRESSES_THAT_KILL:
                    kept.kill()

    def _start(self, kept: SupervisedProcess) -> None:
        reading, writing = os.pipe()
        kept.process = subprocess.Popen(  # noqa: S603  # a command of our own, a list: no shell reads it
            kept.part.command,
            env={**os.environ, **kept.part.environ},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            process_group=0,  # Ctrl-C in the terminal is for us alone: we end the parts in order
            preexec_fn=process_tree.die_with_parent(os.getpid()),
        )
        os.close(writing)
        kept.begun()
        outlet = OutputPipe(kept.part.name, reading, self._printer.pass_on)
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._pass_on(outlet))

    def _turn(self, seconds: float) -> None:
        """Wait for an event, at most this long, and react to it."""
        for key, _events in self._selector.select(seconds):
            key.data()
        for kept in self._kept:
            if kept.ended() and not kept.once and not self.asked:
                self.say(kept.plan_restart())
        process_tree.reap(process_tree.children() - {kept.process.pid for kept in self._kept if kept.process})
        for kept in self._kept:
            if kept.is_due() and not self.asked:
                self._start(kept)

    def _pass_on(self, outlet: OutputPipe) -> None:
        if not outlet.read():
            self._selector.unregister(outlet.descriptor)
            os.close(outlet.descriptor)

    def _drain_wakeup(self) -> None:
        self._wakeup_reader.recv(4096)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
