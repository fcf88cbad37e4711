"""`python -m benchmarks.own_sink PORT LATENCY_MS`: takes every mail and keeps none; each reply leaves that
many milliseconds after its command came, in order, so that commands sent together wait together."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

EHLO = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 50000000\r\n"
REPLIES = {
    b"EHLO": EHLO,
    b"HELO": b"250 sink.test\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
END = b"\r\n.\r\n"


class Taking(asyncio.Protocol):
    """One connection."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.pending = bytearray()
        self.in_data, self.searched = False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._later(lambda: transport.write(b"220 sink.test ESMTP\r\n"))

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while self._one_command():
            pass

    def _one_command(self) -> bool:
        """Answers what came whole; False if nothing has."""
        if self.in_data:
            found = self.pending.find(END, self.searched)
            if found < 0:
                self.searched = max(0, len(self.pending) - len(END))
                return False
            del self.pending[: found + len(END)]
            self.in_data = False
            self._say(b"250 2.0.0 taken\r\n")
            return True
        line, end, rest = self.pending.partition(b"\r\n")
        if not end:
            return False
        self.pending = rest
        word = bytes(line[:4]).upper()
        self._say(REPLIES.get(word, b"250 2.0.0 ok\r\n"))
        self.in_data, self.searched = word == b"DATA", 0
        if word == b"QUIT":
            self._later(self.transport.close)
        return True

    def _say(self, reply: bytes) -> None:
        self._later(lambda: self.transport.write(reply))

    def _later(self, act: Callable[[], None]) -> None:
        if self.seconds:
            asyncio.get_running_loop().call_later(self.seconds, act)
        else:
            act()


async def main(port: int, latency_ms: float) -> None:
    """Takes mails until it is ended."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Taking(latency_ms / 1000), "127.0.0.1", port)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
