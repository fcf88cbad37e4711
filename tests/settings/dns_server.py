"""A name server on loopback that knows the TXT records it is given."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

Records = Mapping[str, Sequence[str]]


@contextmanager
def name_server(records: Records, *, answers: bool = True) -> Iterator[dns.resolver.Resolver]:
    """Runs one while the block lasts; gives what asks it. One that does not answer is silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        serving = threading.Thread(target=_serve, args=(listening, records, answers), daemon=True)
        serving.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], listening.getsockname()[1]
        try:
            yield resolver
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", listening.getsockname())
            serving.join()


def _serve(listening: socket.socket, records: Records, answers: bool) -> None:
    while True:
        asked, client = listening.recvfrom(4096)
        if not asked:
            return
        if answers:
            listening.sendto(_answer(asked, records), client)


def _answer(asked: bytes, records: Records) -> bytes:
    question = dns.message.from_wire(asked)
    answer = dns.message.make_response(question)
    name = question.question[0].name
    texts = records.get(name.to_text(omit_final_dot=True))
    if texts is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif texts:
        answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", [f'"{text}"' for text in texts]))
    return answer.to_wire()
