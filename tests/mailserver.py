"""A real SMTP server on loopback that remembers what it took, and breaks in the ways it is told to.

A message counts as taken when the server has read the final dot and decided to accept it, whether or not its
250 could be said. Faults are ordered by the local part of the first recipient:

    reject-550.…     RCPT gets this code              reject-450-2.…  only the first two times
    greylist-2.…     451 at RCPT the first two times  close-rcpt.…    421 at RCPT, then closed, the first time
    data-554.…       this code after the dot          data-451-1.…    only the first time
    cut-rcpt.… cut-data.… cut-ack.… cut-reject.…      the connection is cut there, the first time
    cut-late.…       421, unasked, 0.2 s after the message began, then the connection is cut
    cut-said.…       the connection is reset 0.2 s after the 250, the first time
    hang-rcpt-3.…    RCPT gets no reply for 3 s, the first time
    hang-3.…         the reply to the dot takes 3 s

Faults of the server itself are fields of MailServer. A test that must act at an exact moment of the
conversation asks for it with `when` (stages: STAGES).
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.mailsession import Cut, Session, Taken

__all__ = ["STAGES", "MailServer", "Taken", "mail_server"]

ORDER = re.compile(
    r"^(reject|greylist|close-rcpt|data|cut-(?:rcpt|data|late|ack|reject|said)|hang-rcpt|hang)"
    r"(?:-(\d+))?(?:-(\d+))?\."
)
STAGES = ("rcpt", "data", "body", "dot", "taken", "said")
"""Where `when` may act: RCPT was read; DATA was read; some of the body was; the dot was; the message is taken
and its 250 not said; its 250 was said."""

RESET = struct.pack("ii", 1, 0)
Act = Callable[[Session], object]


@dataclass
class MailServer:
    """`orders`: faults by whole addresses, as a local part would order them. `close_after`: says nothing more
    after this number of messages of a connection; `busy_after`: 421 at MAIL then. `greeting`: what a
    connection is
    met with; `busy_every`: each so manieth with 421; `silent_first`: the first ones with nothing at all.
    `size`: what SIZE is offered with instead of `max_size`; `mail_reply`: what MAIL gets instead of 250.
    `delay`: seconds before the reply to the dot; `latency`: before any other; `drip`: between its bytes.
    `quits`: what QUIT gets: "answer", "reset" or "hang".
    `throttle`: (n, seconds, reply, stage): what exceeds n in this number of seconds gets this reply at the
    stage "mail", "rcpt" or "dot". `shut`: what every RCPT gets. `greylist`: seconds for which each recipient
    is refused, from its first offer on; `bad_domain`: one whose recipients are all refused for now.
    `refused`: how often these refused.
    `auth`: "user:password" that must log in; `challenge`: what AUTH gets instead of an answer.
    `accepts_token`: asked of each token of XOAUTH2. `mechanisms`: what AUTH is offered with; `refuses`: those
    that get 535, and then the connection is closed.
    `dsn`: whether it reports (RFC 3461); what is `asked` of it at MAIL and RCPT, it refuses otherwise.
    `strict_helo`: a client whose name is no host name and no literal gets this code at every RCPT.
    `certificate`: a PEM file with key; `tls`: "starttls" or "implicit"."""

    close_after: int = 0
    busy_after: int = 0
    busy_every: int = 0
    silent_first: int = 0
    greeting: str = "220 mail.test ESMTP"
    size: str = ""
    mail_reply: str = ""
    delay: float = 0.0
    latency: float = 0.0
    drip: float = 0.0
    quits: str = "answer"
    throttle: tuple[int, float, str, str] | None = None
    shut: str = ""
    greylist: float = 0.0
    bad_domain: str = ""
    refused: int = 0
    auth: str = ""
    challenge: str = ""
    accepts_token: Callable[[str], bool] | None = None
    mechanisms: str = "PLAIN LOGIN"
    refuses: tuple[str, ...] = ()
    strict_helo: int = 0
    names: list[str] = field(default_factory=list)
    certificate: Path | None = None
    tls: str = "starttls"
    pipelining: bool = True
    dsn: bool = False
    asked: list[str] = field(default_factory=list)
    max_size: int = 50_000_000
    orders: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    port: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    logins: list[str] = field(default_factory=list)
    watch: Callable[[str, Session], object] = lambda stage, session: None
    _acts: dict[tuple[str, str], Act] = field(default_factory=dict)
    _passed: deque[float] = field(default_factory=deque)
    _first_seen: dict[str, float] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None
    _open: dict[int, socket.socket] = field(default_factory=dict)

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

    def cut_all(self) -> None:
        """Cuts every connection that is open."""
        with self._lock:
            for connection in self._open.values():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def mails_to(self, address: str) -> list[Taken]:
        return [taken for taken in self.taken if address in taken.recipients]

    def when(self, stage: str, address: str, act: Act) -> None:
        """Has `act` called once, when a message whose first recipient this is gets to this stage. The
        conversation waits until it returns."""
        assert stage in STAGES
        self._acts[stage, address] = act

    def at(self, stage: str, session: Session) -> None:
        """A conversation has got to this stage."""
        self.watch(stage, session)
        if act := self._acts.pop((stage, session.recipients[0]), None):
            act(session)

    def tls_context(self) -> ssl.SSLContext:
        assert self.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context

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
            self._open[number] = connection
            self.open_now += 1
            self.most_open = max(self.most_open, self.open_now)
        session = Session(self, connection, number)
        try:
            session.converse()
        except Cut:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass
        finally:
            session.connection.close()
            connection.close()
            with self._lock:
                del self._open[number]
                self.open_now -= 1

    def order_of(self, address: str) -> tuple[str, str, str]:
        found = ORDER.match(self.orders.get(address, address.partition("@")[0]) + ".")
        return (found[1], found[2] or "", found[3] or "") if found else ("", "", "")

    def refusal(self, stage: str, address: str = "") -> str:
        """What this stage gets from a server that throttles, is shut or greylists; empty: go on."""
        with self._lock:
            said = self._refusal(stage, address)
            self.refused += bool(said)
            return said

    def _refusal(self, stage: str, address: str) -> str:
        at = time.monotonic()
        if stage == "rcpt":
            if self.shut:
                return self.shut
            if self.bad_domain and address.endswith("@" + self.bad_domain):
                return f"450 4.4.1 <{address}>: no connection to {self.bad_domain}"
            if self.greylist and at - self._first_seen.setdefault(address, at) < self.greylist:
                return f"451 4.7.1 <{address}>: greylisted, try again later"
        if self.throttle is None or self.throttle[3] != stage:
            return ""
        count, seconds, reply, _ = self.throttle
        while self._passed and self._passed[0] <= at - seconds:
            self._passed.popleft()
        if len(self._passed) >= count:
            return reply
        self._passed.append(at)
        return ""

    def first_times(self, what: str, times: int) -> bool:
        """Whether this has happened less often than `times`; counts it."""
        with self._lock:
            self._seen[what] += 1
            return self._seen[what] <= times

    def take(self, taken: Taken) -> int:
        with self._lock:
            self.taken.append(taken)
            return len(self.taken)


@contextmanager
def mail_server(**options: object) -> Iterator[MailServer]:
    """A server that listens while the block lasts."""
    server = MailServer(**options)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()
