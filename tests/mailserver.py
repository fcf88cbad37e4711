"""A real SMTP server on loopback that remembers what it took, and breaks in the ways it is told to.

A message counts as taken when the server has read the final dot and decided to accept it, whether or not its
250 could be said. Faults are ordered by the local part of the first recipient:

    reject-550.…     RCPT gets this code              greylist-2.…   451 the first two times
    data-554.…       this code after the dot          data-451-1.…   only the first time
    cut-rcpt.… cut-data.… cut-ack.… cut-reject.…      the connection is cut there, the first time
    cut-late.…       421, unasked, 0.2 s after the message began, then the connection is cut
    hang-3.…         the reply to the dot takes 3 s
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ORDER = re.compile(
    r"^(reject|greylist|data|cut-rcpt|cut-data|cut-late|cut-ack|cut-reject|hang)(?:-(\d+))?(?:-(\d+))?\."
)


class Cut(Exception):
    """Close the connection now, without a word."""


@dataclass(frozen=True)
class Taken:
    sender: str
    recipients: tuple[str, ...]
    data: bytes
    connection: int
    at: float


@dataclass
class MailServer:
    """`orders`: faults by whole addresses, as a local part would order them. `close_after`: says nothing more
    after so many messages of a connection. `greeting`: what a connection is met with. `mail_reply`: what MAIL
    gets instead of 250. `delay`: seconds before the reply to the dot."""

    close_after: int = 0
    greeting: str = "220 mail.test ESMTP"
    mail_reply: str = ""
    delay: float = 0.0
    max_size: int = 50_000_000
    orders: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    logins: list[str] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None

    def start(self, port: int = 0) -> None:
        """Listens on loopback, on this port or a free one."""
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def mails_to(self, address: str) -> list[Taken]:
        return [taken for taken in self.taken if address in taken.recipients]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            number = self.connections
            self.open_now += 1
            self.most_open = max(self.most_open, self.open_now)
        try:
            Session(self, connection, number).converse()
        except Cut:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            pass
        finally:
            connection.close()
            with self._lock:
                self.open_now -= 1

    def order_of(self, address: str) -> tuple[str, str, str]:
        found = ORDER.match(self.orders.get(address, address.partition("@")[0]) + ".")
        return (found[1], found[2] or "", found[3] or "") if found else ("", "", "")

    def first_times(self, what: str, times: int) -> bool:
        """Whether this has happened less often than `times`; counts it."""
        with self._lock:
            self._seen[what] += 1
            return self._seen[what] <= times

    def take(self, taken: Taken) -> int:
        with self._lock:
            self.taken.append(taken)
            return len(self.taken)


class Session:
    def __init__(self, server: MailServer, connection: socket.socket, number: int) -> None:
        self.server, self.connection, self.number = server, connection, number
        self.lines = connection.makefile("rb")
        self.sender, self.recipients, self.messages = "", list[str](), 0

    def say(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\r\n")

    def converse(self) -> None:
        self.say(self.server.greeting)
        if not self.server.greeting.startswith("220"):
            return
        while line := self.lines.readline():
            word, _, rest = line.decode("latin-1").strip().partition(" ")
            if word.upper() == "QUIT":
                self.say("221 bye")
                return
            if getattr(self, f"do_{word.lower()}", self.unknown)(rest):
                return

    def unknown(self, rest: str) -> None:
        self.say("502 not implemented")

    def do_ehlo(self, rest: str) -> None:
        self.say(f"250-mail.test\r\n250-8BITMIME\r\n250 SIZE {self.server.max_size}")

    def do_rset(self, rest: str) -> None:
        self.sender, self.recipients = "", []
        self.say("250 ok")

    def do_mail(self, rest: str) -> None:
        if self.server.mail_reply:
            return self.say(self.server.mail_reply)
        self.sender, self.recipients = rest[rest.index("<") + 1 : rest.index(">")], []
        return self.say("250 ok")

    def do_rcpt(self, rest: str) -> None:
        address = rest[rest.index("<") + 1 : rest.index(">")]
        kind, number, _ = self.server.order_of(address)
        if kind == "reject":
            return self.say(f"{number} <{address}> mailbox unavailable")
        if kind == "greylist" and self.server.first_times(f"greylist {address}", int(number)):
            return self.say(f"451 4.7.1 <{address}> greylisted")
        if kind == "cut-rcpt" and self.server.first_times(f"cut {address}", 1):
            raise Cut
        self.recipients.append(address)
        return self.say("250 ok")

    def do_data(self, rest: str) -> bool:
        self.say("354 go on")
        first = self.recipients[0]
        kind, number, times = self.server.order_of(first)
        if kind == "cut-data" and self.server.first_times(f"cut {first}", 1):
            self.lines.readline()
            raise Cut
        if kind == "cut-late" and self.server.first_times(f"cut {first}", 1):
            time.sleep(0.2)
            self.say("421 4.3.2 shutting down")
            time.sleep(1.0)
            raise Cut
        data = self._read()
        time.sleep(self.server.delay)
        if kind == "data" and self.server.first_times(f"data {first}", int(times or 10**9)):
            self.say(f"{number} message not accepted")
            return False
        if kind == "cut-reject" and self.server.first_times(f"cut {first}", 1):
            raise Cut
        taken = Taken(self.sender, tuple(self.recipients), data, self.number, time.monotonic())
        if kind == "cut-ack" and self.server.first_times(f"cut {first}", 1):
            self.server.take(taken)
            raise Cut
        if kind == "hang":
            time.sleep(int(number))
        count = self.server.take(taken)
        self.messages += 1
        self.say(f"250 2.0.0 ok: queued as T{count:06d}")
        return bool(self.server.close_after) and self.messages >= self.server.close_after

    def _read(self) -> bytes:
        lines = []
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                raise Cut
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


@contextmanager
def mail_server(**options: object) -> Iterator[MailServer]:
    """A server that listens while the block lasts."""
    server = MailServer(**options)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()
