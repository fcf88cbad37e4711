"""One conversation of the tests' SMTP server (mailserver.py says what it can be told to do)."""

from __future__ import annotations

import base64
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mailserver import MailServer

MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>\s]+>)", re.MULTILINE | re.IGNORECASE)
FOR_EVER = 600.0
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
HOST_OR_LITERAL = re.compile(rf"(?!.*\.\d+$){LABEL}(\.{LABEL})+|\[[0-9A-Fa-f.:IPv]+\]")


class Cut(Exception):
    """Close the connection now, without a word."""


@dataclass
class Taken:
    """A message that was taken. `said`: its 250 went out. `at`: the monotonic clock when it was taken."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    connection: int
    at: float
    said: bool = False

    @property
    def message_id(self) -> str:
        found = MESSAGE_ID.search(self.data)
        return found[1].decode() if found else ""


class Session:
    """What one client says, and what it is told."""

    def __init__(self, server: MailServer, connection: socket.socket, number: int) -> None:
        self.server, self.connection, self.number = server, connection, number
        self.peer: tuple[str, int] = connection.getpeername()
        self.sender, self.recipients, self.messages, self.name = "", list[str](), 0, ""
        self.logged_in = not (server.auth or server.accepts_token)
        self.encrypted = self.given = False
        self.lines = connection.makefile("rb")

    def say(self, line: str) -> bool:
        """Says this line. False: the conversation goes on."""
        if self.server.latency:
            time.sleep(self.server.latency)
        data = line.encode() + b"\r\n"
        for piece in [bytes([byte]) for byte in data] if self.server.drip else [data]:
            time.sleep(self.server.drip)
            self.connection.sendall(piece)
        return False

    def converse(self) -> None:
        if self.server.certificate and self.server.tls == "implicit":
            self._encrypt()
        if self.number <= self.server.silent_first:
            time.sleep(FOR_EVER)
        if self.server.busy_every and self.number % self.server.busy_every == 0:
            self.say("421 4.3.2 too busy")
            return
        self.say(self.server.greeting)
        if not self.server.greeting.startswith("220"):
            return
        while line := self.lines.readline():
            word, _, rest = line.decode("latin-1").strip().partition(" ")
            self.server.heard[word.upper()] += 1
            if getattr(self, f"do_{word.lower()}", self.unknown)(rest):
                return

    def _encrypt(self) -> None:
        self.connection = self.server.tls_context().wrap_socket(self.connection, server_side=True)
        self.lines, self.encrypted = self.connection.makefile("rb"), True

    def unknown(self, rest: str) -> None:
        self.say("502 not implemented")

    def do_quit(self, rest: str) -> bool:
        if self.server.quits == "reset":
            raise Cut
        if self.server.quits == "hang":
            time.sleep(FOR_EVER)
        self.say("221 bye")
        return True

    def do_ehlo(self, rest: str) -> None:
        server = self.server
        server.names.append(rest)
        self.name = rest
        offers = ["mail.test", "8BITMIME", *(["PIPELINING"] if server.pipelining else [])]
        offers += ["DSN"] if server.dsn else []
        offers += ["STARTTLS"] if server.certificate and not self.encrypted else []
        offers += [f"AUTH {server.mechanisms}"] if server.auth or server.accepts_token else []
        lines = [f"250-{offer}\r\n" for offer in offers]
        self.say("".join(lines) + f"250 SIZE {server.size or server.max_size}")

    def do_starttls(self, rest: str) -> None:
        self.say("220 go on")
        self._encrypt()

    def do_auth(self, rest: str) -> bool:
        if self.server.challenge:
            return self.say(self.server.challenge)
        method, _, initial = rest.partition(" ")
        self.server.heard[f"AUTH {method.upper()}"] += 1
        if method.upper() in self.server.refuses:
            self.say("535 5.7.8 not by this mechanism")
            return True
        if method.upper() == "XOAUTH2":
            return self._by_token(base64.b64decode(initial).decode())
        if method.upper() == "PLAIN":
            user, password = base64.b64decode(initial or self._asked("")).decode().split("\0")[1:]
        else:
            user = base64.b64decode(initial).decode() if initial else self._asked("Username:")
            password = self._asked("Password:")
        self.server.logins.append(user)
        self.logged_in = f"{user}:{password}" == self.server.auth
        return self.say("235 2.7.0 welcome" if self.logged_in else "535 5.7.8 authentication failed")

    def _by_token(self, said: str) -> bool:
        found = re.fullmatch("user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01", said)
        assert found, said
        assert self.server.accepts_token is not None
        self.server.logins.append(found[1])
        self.logged_in = self.server.accepts_token(found[2])
        if self.logged_in:
            return self.say("235 2.7.0 welcome")
        why = '{"status":"400","schemes":"bearer","scope":"https://mail.example"}'
        self.say(f"334 {base64.b64encode(why.encode()).decode()}")
        answer = self.lines.readline()
        assert answer == b"\r\n", answer
        return self.say("535 5.7.3 authentication unsuccessful")

    def _asked(self, question: str) -> str:
        self.say(f"334 {base64.b64encode(question.encode()).decode()}")
        answer = self.lines.readline().decode().strip()
        return base64.b64decode(answer).decode() if question else answer

    def do_rset(self, rest: str) -> None:
        self._forget()
        self.say("250 ok")

    def _forget(self) -> None:
        self.sender, self.recipients, self.given = "", [], False

    def do_mail(self, rest: str) -> bool:
        if self.server.busy_after and self.messages >= self.server.busy_after:
            self.say("421 4.3.2 enough for one connection")
            return True
        if self.server.mail_reply or not self.logged_in:
            return self.say(self.server.mail_reply or "530 5.7.0 authentication required")
        if refusal := self.server.refusal("mail"):
            return self.say(refusal)
        if self._asks(rest) and not self.server.dsn:
            return self.say("555 5.5.4 unsupported parameter")
        self._forget()
        self.sender, self.given = rest[rest.index("<") + 1 : rest.index(">")], True
        return self.say("250 ok")

    def do_rcpt(self, rest: str) -> bool:
        address = rest[rest.index("<") + 1 : rest.index(">")]
        kind, number, times = self.server.order_of(address)
        if not self.given:
            return self.say("503 MAIL first")
        if self._asks(rest) and not self.server.dsn:
            return self.say("555 5.5.4 unsupported parameter")
        if self.server.strict_helo and not HOST_OR_LITERAL.fullmatch(self.name):
            said = f"5.5.2 <{self.name}>: Helo command rejected: need fully-qualified hostname"
            return self.say(f"{self.server.strict_helo} {said}")
        if refusal := self.server.refusal("rcpt", address):
            return self.say(refusal)
        if kind == "reject" and self._first(kind, address, times):
            return self.say(f"{number} <{address}> mailbox unavailable")
        if kind == "greylist" and self._first(kind, address, number):
            return self.say(f"451 4.7.1 <{address}> greylisted")
        if kind == "cut-rcpt" and self._first("cut", address, "1"):
            raise Cut
        if kind == "close-rcpt" and self._first("close", address, "1"):
            self.say("421 4.3.2 shutting down")
            return True
        if kind == "hang-rcpt" and self._first("hang", address, "1"):
            time.sleep(int(number))
        self.recipients.append(address)
        self.server.at("rcpt", self)
        return self.say("250 ok")

    def _asks(self, rest: str) -> bool:
        """Whether the client asks for a report, which is noted."""
        asked = [word for word in rest.split() if word.startswith(("RET=", "ENVID=", "NOTIFY=", "ORCPT="))]
        self.server.asked.extend(asked)
        return bool(asked)

    def _first(self, kind: str, address: str, times: str) -> bool:
        return self.server.first_times(f"{kind} {address}", int(times or 10**9))

    def do_data(self, rest: str) -> bool:
        if not self.recipients:
            return self.say("503 no valid recipients")
        first, server = self.recipients[0], self.server
        kind, number, times = server.order_of(first)
        server.at("data", self)
        server.begun.update(self.recipients)
        self.say("354 go on")
        if kind == "cut-data" and self._first("cut", first, "1"):
            self.lines.readline()
            raise Cut
        if kind == "cut-late" and self._first("cut", first, "1"):
            time.sleep(0.2)
            self.say("421 4.3.2 shutting down")
            time.sleep(1.0)
            raise Cut
        data = self._read()
        server.at("dot", self)
        time.sleep(server.delay)
        if refusal := server.refusal("dot"):
            return self.say(refusal)
        if kind == "data" and self._first("data", first, times):
            return self.say(f"{number} message not accepted")
        if kind == "cut-reject" and self._first("cut", first, "1"):
            raise Cut
        return self._take(data, kind, number)

    def _take(self, data: bytes, kind: str, number: str) -> bool:
        first, server = self.recipients[0], self.server
        taken = Taken(self.sender, tuple(self.recipients), data, self.number, time.monotonic())
        if kind == "hang":
            time.sleep(int(number))
        count = server.take(taken)
        if kind == "cut-ack" and self._first("cut", first, "1"):
            raise Cut
        server.at("taken", self)
        self.messages += 1
        taken.said = True  # before it is: the worker may be quicker than this thread
        try:
            self.say(f"250 2.0.0 ok: queued as T{count:06d}")
        except OSError:
            taken.said = False
            raise
        server.at("said", self)
        if kind == "cut-said" and self._first("cut", first, "1"):
            time.sleep(0.2)
            raise Cut
        return bool(server.close_after) and self.messages >= server.close_after

    def _read(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                raise Cut
            if not lines:
                self.server.at("body", self)
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)
