"""SMTP conversations, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.mailserver import MailServer
from webapp.smtp.envelope import Envelope
from webapp.smtp.server_connection import ServerAddress, Waits
from webapp.smtp.transport import Conversation

QUICK = Waits(reply=1.0, data=1.5)


LETTER = b"Subject: hello\r\n\r\n.a line with a dot\r\nand more\r\n"


CERTIFICATE = Path(__file__).with_name("localhost.pem")


def conversation(
    server: MailServer,
    waits: Waits = QUICK,
    *,
    host: str = "127.0.0.1",
    security: str = "none",
    username: str = "",
    password: str = "",
) -> Conversation:
    return Conversation(ServerAddress(host, server.port, security, username, password), waits)


def to(*addresses: str) -> Envelope:
    return Envelope("billing@example.com", addresses)


@contextmanager
def scripted(script: list[bytes], pause: float = 0.0) -> Iterator[MailServer]:
    """A listener that says these bytes one after the other, whatever it hears, then stays silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(BrokenPipeError, ConnectionResetError):
            for said in script:
                for byte in said if pause else [said]:
                    connection.sendall(bytes([byte]) if isinstance(byte, int) else byte)
                    time.sleep(pause)
            stop.wait(20)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield MailServer(port=listener.getsockname()[1])
    finally:
        stop.set()
        listener.close()


@contextmanager
def patient(last: bytes, replies: bytes) -> Iterator[MailServer]:
    """Says nothing to an envelope before it has heard this, its last command; then all replies."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"220 hi\r\n")
            connection.recv(1_000)
            connection.sendall(b"250-hi\r\n250 PIPELINING\r\n")
            heard = b""
            while last not in heard:
                heard += connection.recv(1_000)
            connection.sendall(replies)
            connection.recv(1_000)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield MailServer(port=listener.getsockname()[1])
    finally:
        listener.close()
