"""Clients that mean no good, as a process: `python -m tests.launch.besiegers PORT DOWNLOAD COOKIE…`.

Eight read the download slowly, 110 send half a request, twelve ask for previews that never end, and three
have templates checked that cost most to read. Each cookie is one person's login. It goes on until killed."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

DOWNLOADS, HALF_OPEN, PREVIEWS = 8, 110, 12
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
COSTLY = ("{{ " + "9" * 4400 + " }}", "{{ " + "+".join("1" * 1500) + " }}", "{{ a" + "()" * 195_000 + " }}")
"""F3: what takes long to read, before anything is rendered."""
MOMENT = 2.0
"""Seconds before the next try of what the server refused or let go."""
HIDDEN = re.compile(r'name="(csrf_token|form_key)" value="([^"]+)"')


def read_slowly(port: int, cookie: str, path: str) -> None:
    """Reads a hundred bytes a second."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
        while client.recv(100):
            time.sleep(1)


def send_half(port: int, head: bytes) -> None:
    """Sends the beginning of a request, and waits until the server has had enough."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head)
        client.recv(1)


def check(port: int, cookie: str, source: str) -> None:
    """Has a template checked, as its page does, as soon as the answer to the last one is there."""
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", "/templates/new", headers={"Cookie": cookie})
    hidden = dict(HIDDEN.findall(client.getresponse().read().decode()))
    fields = {**hidden, "name": "Mine", "format": "html", "language": "", "source": source}
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    while True:
        client.request("POST", "/templates/check", urlencode(fields), headers)
        client.getresponse().read()
        time.sleep(MOMENT)


def again(act: Callable[[], None]) -> None:
    """Does it again and again, with a moment between, whatever the server answers."""
    while True:
        with suppress(OSError, HTTPException):
            act()
        time.sleep(MOMENT)


def besiege(port: int, path: str, cookies: Sequence[str]) -> None:
    """Starts all of them."""

    def whose(n: int) -> str:
        return cookies[n % len(cookies)]

    heads = (
        b"GET / HTTP/1.1\r\nHost: local",
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\nx",
    )
    acts: list[Callable[[], None]] = []
    acts += [lambda n=n: read_slowly(port, whose(n), path) for n in range(DOWNLOADS)]  # type: ignore[misc]
    acts += [lambda n=n: send_half(port, heads[n % 2]) for n in range(HALF_OPEN)]  # type: ignore[misc]
    acts += [lambda n=n: check(port, whose(n), ENDLESS) for n in range(PREVIEWS)]  # type: ignore[misc]
    acts += [lambda s=s: check(port, whose(0), s) for s in COSTLY]  # type: ignore[misc]
    for act in acts:
        threading.Thread(target=again, args=(act,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    os.nice(10)  # as if they came from another machine
    besiege(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
