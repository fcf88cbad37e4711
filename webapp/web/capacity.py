"""What keeps long downloads from holding up the pages of one process.

A slow reader holds the thread that serves it, whatever the server does; so the number of such requests is
limited, and what is over it is refused in words. And what makes an archive keeps the interpreter busy; so it
rests while a page is being made."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flask import Flask, abort, current_app, g

from webapp.translation import N_
from webapp.web.access_control import viewer

T = TypeVar("T")
DOWNLOADS = 4
DOWNLOADS_PER_PERSON = 2
DOWNLOAD_SECONDS = 3600.0
"""A download that takes longer breaks off; a ZIP without its end is not taken for complete."""
REST, REST_SECONDS_MAX = 4, 0.05
"""While a page is being made, a download rests this many times as long as its last piece took to make, and
at most this long."""
BUSY = N_("Other downloads are in progress. Wait until one of them has finished, then try again.")
YOURS = N_("Two downloads of yours are still in progress. Wait until one has finished, then try again.")


@dataclass
class Downloads:
    """The downloads in progress in this process, by person; and how many pages are being made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_person: Counter[str] = field(default_factory=Counter)
    pages: int = 0


def init_app(app: Flask) -> None:
    """Begin to count."""
    downloads = app.extensions["downloads"] = Downloads()

    def begin() -> None:
        g.is_counted = True
        with downloads.lock:
            downloads.pages += 1

    def end(_error: BaseException | None) -> None:
        if g.pop("is_counted", False):
            with downloads.lock:
                downloads.pages -= 1

    app.before_request(begin)
    app.teardown_request(end)


def as_download(pieces: Iterator[T]) -> Download[T]:
    """The pieces, while this download holds one of the places for downloads. Ends the request with 503 if
    there is none, with 429 if this person has enough already."""
    name = viewer().name
    downloads: Downloads = current_app.extensions["downloads"]
    with downloads.lock:
        if downloads.by_person[name] >= DOWNLOADS_PER_PERSON:
            abort(429, YOURS)
        if downloads.by_person.total() >= DOWNLOADS:
            abort(503, BUSY)
        downloads.by_person[name] += 1
    return Download(downloads, name, pieces)


class Download(Generic[T]):
    """Pieces of an answer. Its place is free again at the end of them, and when the client has gone."""

    def __init__(self, downloads: Downloads, name: str, pieces: Iterator[T]) -> None:
        self._downloads, self._name, self._pieces = downloads, name, pieces
        self._end = time.monotonic() + DOWNLOAD_SECONDS
        self._open = True

    def __iter__(self) -> Download[T]:
        return self

    def __next__(self) -> T:
        if time.monotonic() > self._end:
            raise TimeoutError("a download took too long")
        began = time.thread_time()
        try:
            piece = next(self._pieces)
        except StopIteration:
            self.close()
            raise
        if self._downloads.pages:
            time.sleep(min(REST * (time.thread_time() - began), REST_SECONDS_MAX))
        return piece

    def close(self) -> None:
        """Free the place; the server calls this at the end of every answer (PEP 3333)."""
        if self._open:
            self._open = False
            if isinstance(self._pieces, Generator):
                self._pieces.close()  # what it has open, such as a session, is closed at once
            with self._downloads.lock:
                self._downloads.by_person[self._name] -= 1
