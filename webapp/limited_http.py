"""HTTP requests to a machine that a person has named: the whole answer comes within a time and a size, and it
can be checked where a connection leads before anything is sent there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from requests import Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as HTTPException

from webapp.destinations import Service, peer_refusal

ANSWER_SECONDS = 10.0
"""For a whole answer: a machine that sends a byte every few seconds must not hold a thread for long."""
ANSWER_BYTES_MAX, PIECE_BYTES = 1_000_000, 16_384


class ForbiddenDestination(Exception):
    """The connection leads where Mailrun sends nothing; the message says where."""


class LimitedSession(OAuth2Session):
    """Requests whose whole answer is there within ANSWER_SECONDS and has at most ANSWER_BYTES_MAX."""

    def request(self, method: str, url: Any, *args: Any, **options: Any) -> Response:
        ends = time.monotonic() + ANSWER_SECONDS
        options.update(stream=True, timeout=ANSWER_SECONDS)
        return _read(super().request(method, url, *args, **options), ends)


class LimitedAssertion(AssertionSession):
    """The same, for a client that signs its requests (RFC 7523); its errors are those of the other."""

    oauth_error_class = OAuthError  # type: ignore[assignment]

    def request(self, method: str, url: Any, *args: Any, **options: Any) -> Response:
        ends = time.monotonic() + ANSWER_SECONDS
        options.update(stream=True, timeout=ANSWER_SECONDS)
        return _read(super().request(method, url, *args, **options), ends)


def confine(session: Session, own_services: Iterable[Service]) -> None:
    """Have the session look at the machine at the other end before it sends anything, follow no redirect, and
    use no proxy and no password that the environment names."""
    session.trust_env, session.max_redirects = False, 0
    adapter = _CheckedAdapter(tuple(own_services))
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def _read(answer: Response, ends: float) -> Response:
    with answer:
        answer._content = _content(answer, ends)
    return answer


def _content(answer: Response, ends: float) -> bytes:
    """The whole content, read until `ends`. Not by `iter_content`: that waits for a whole piece, of which
    each byte may take as long as the time limit of a read."""
    content = b""
    try:
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            content += piece
            if time.monotonic() > ends or len(content) > ANSWER_BYTES_MAX:
                raise Timeout(f"no whole answer in {ANSWER_SECONDS:g} s, {ANSWER_BYTES_MAX} bytes")
    except HTTPException as problem:
        raise NoConnection(problem) from None
    return content


class _CheckedAdapter(HTTPAdapter):
    def __init__(self, own_services: tuple[Service, ...]) -> None:
        self._own_services = own_services
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Has every connection of the pools checked."""
        super().init_poolmanager(*args, **options)
        own = self._own_services

        class PlainChecked(HTTPConnection):
            def _new_conn(self) -> Any:
                return _checked(super()._new_conn(), own)

        class TlsChecked(HTTPSConnection):
            def _new_conn(self) -> Any:
                return _checked(super()._new_conn(), own)

        plain = type("CheckedPool", (HTTPConnectionPool,), {"ConnectionCls": PlainChecked})
        tls = type("CheckedTlsPool", (HTTPSConnectionPool,), {"ConnectionCls": TlsChecked})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": tls}


def _checked(connection: Any, own_services: tuple[Service, ...]) -> Any:
    if words := peer_refusal(connection, own_services):
        connection.close()
        raise ForbiddenDestination(words)
    return connection
