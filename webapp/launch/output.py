"""What the processes print, line by line, each with the process's name in front."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from webapp import logs

LONGEST_LINE = 64 * 1024


class LinePrinter:
    """Prints lines, or events as JSON. When no one reads any more (a closed terminal or pipe) it falls
    silent; the work goes on."""

    def __init__(self, log_style: str = "plain") -> None:
        self._heard = True
        self._is_json = log_style == "json"

    def say(self, words: str) -> None:
        """Print words of our own."""
        self._print(logs.notice(words) if self._is_json else words)

    def pass_on(self, name: str, line: str) -> None:
        """Print a line that a process has printed."""
        self._print(logs.line_of_process(name, line) if self._is_json else f"{name:<9}| {line}")

    def _print(self, line: str) -> None:
        if not self._heard:
            return
        try:
            sys.stdout.buffer.write(line.encode(errors="replace") + b"\n")
            sys.stdout.buffer.flush()
        except OSError:
            self._heard = False


class OutputPipe:
    """The reading end of a process's output."""

    def __init__(self, name: str, descriptor: int, pass_on: Callable[[str, str], None]) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._name = name
        self._pass_on = pass_on
        self._begun = b""

    def read(self) -> bool:
        """Prints what has come; False at the end of the output."""
        try:
            came = os.read(self.descriptor, LONGEST_LINE)
        except BlockingIOError:
            return True
        *lines, self._begun = (self._begun + came).split(b"\n")
        if self._begun and (not came or len(self._begun) > LONGEST_LINE):
            lines.append(self._begun)
            self._begun = b""
        for line in lines:
            self._pass_on(self._name, line.decode(errors="replace").rstrip())
        return bool(came)
