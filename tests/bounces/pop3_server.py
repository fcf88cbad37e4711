"""A POP3 server (RFC 1939) with one mailbox, as small as can be: Dovecot's is a package of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

USER, PASSWORD = "bounces", "secret"


@dataclass
class Pop3Server:
    """`mails`: what is in the mailbox. What a client marked as deleted goes at its QUIT."""

    mails: list[bytes] = field(default_factory=list)
    port: int = 0

    def serve(self, connection: socket.socket) -> None:
        """Answer one client."""
        marked: set[int] = set()
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            connection.sendall(b"+OK ready\r\n")
            user = ""
            for line in lines:
                verb, _, rest = line.decode().strip().partition(" ")
                match verb.upper():
                    case "USER":
                        user, answer = rest, b"+OK"
                    case "PASS":
                        answer = (
                            b"+OK" if (user, rest) == (USER, PASSWORD) else b"-ERR not with " + rest.encode()
                        )
                    case "STAT":
                        answer = b"+OK %d %d" % (len(self.mails), sum(map(len, self.mails)))
                    case "LIST":
                        sizes = [b"%d %d\r\n" % (n, len(mail)) for n, mail in enumerate(self.mails, 1)]
                        answer = b"+OK\r\n" + b"".join(sizes) + b"."
                    case "RETR":
                        answer = b"+OK\r\n" + self.mails[int(rest) - 1].replace(b"\n.", b"\n..") + b"."
                    case "DELE":
                        marked.add(int(rest))
                        answer = b"+OK"
                    case "QUIT":
                        self.mails = [mail for n, mail in enumerate(self.mails, 1) if n not in marked]
                        connection.sendall(b"+OK\r\n")
                        return
                    case _:
                        answer = b"-ERR"
                connection.sendall(answer + b"\r\n")


@contextmanager
def pop3_server() -> Iterator[Pop3Server]:
    """A server on a free port, while the block lasts."""
    server = Pop3Server()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=server.serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
