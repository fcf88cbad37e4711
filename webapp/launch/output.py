"""What the processes print, line by line, each with the process's name in front."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

LONGEST_LINE = 64 * 1024


class LinePrinter:
    """Prints lines. When no one reads any more (a closed terminal or pipe) it falls silent; the work goes
    on."""

    def __init__(self) -> None:
        self._heard = True

    def say(self, line: str) -> None:
        if not self._heard:
            return
        try:
            sys.stdout.buffer.write(line.encode(errors="replace") + b"\n")
            sys.stdout.buffer.flush()
        except OSError:
            self._heard = False


class OutputPipe:
    """The reading end of a process's output."""

    def __init__(self, name: str, descriptor: int, say: Callable[[str], None]) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._name = name
        self._say = say
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
            self._say(f"{self._name:<9}| {line.decode(errors='replace').rstrip()}")
        return bool(came)
