"""A policy server of Postfix, and a greylist that decides for one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class PolicyServer:
    """A policy server of Postfix (SMTPD_POLICY_README): `decide` gets a recipient and returns the action."""

    decide: Callable[[str], str]
    port: int = 0
    _listener: socket.socket | None = field(default=None, repr=False)

    def start(self) -> None:
        """Listens on a free port."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Takes no more connections."""
        assert self._listener is not None
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        asked: dict[str, str] = {}
        with connection, suppress(OSError), connection.makefile("rw", newline="\n") as lines:
            for line in lines:
                name, _, value = line.rstrip("\n").partition("=")
                if name:
                    asked[name] = value
                    continue
                lines.write(f"action={self.decide(asked.get('recipient', ''))}\n\n")
                lines.flush()
                asked.clear()


@dataclass
class Greylist:
    """Refuses each recipient until this number of `seconds` after its first offer. `refused`: how often."""

    seconds: float
    refused: int = 0
    _first: dict[str, float] = field(default_factory=dict)

    def decide(self, recipient: str) -> str:
        """The action of the policy server."""
        at = time.monotonic()
        if at - self._first.setdefault(recipient, at) < self.seconds:
            self.refused += 1
            return "DEFER greylisted, try again later"
        return "DUNNO"
