"""Previews in the web process: few at once, by few renderers with a short queue, so that hostile or slow
templates never hold all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import wraps
from queue import Empty, LifoQueue
from typing import ParamSpec, TypeVar

from flask import Flask, abort, current_app

from webapp.extensions import replace_renderer
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.translation import N_

P = ParamSpec("P")
T = TypeVar("T")
RENDERERS = 2
WAITING_MAX = 2
WAITING_SECONDS = 8.0
TRIES_MAX = RENDERERS + WAITING_MAX
"""Requests that try a template at once. Dozens waiting for the one process that reads templates would all go
on in the moment in which it answers, and the pages would wait for all of them."""
BUSY = Unrenderable(N_("other previews are being rendered; try again in some seconds"))
BUSY_PAGE = N_("Other previews are being rendered. Try again in some seconds.")


class PreviewRenderer(Renderer):
    """Renders by one of a few child processes. What is over their number waits a little, and is then refused
    in words."""

    def __init__(self) -> None:
        super().__init__()
        self._room = threading.BoundedSemaphore(RENDERERS + WAITING_MAX)
        self._free: LifoQueue[Renderer] = LifoQueue()
        self._all = [Renderer(yields=True) for _ in range(RENDERERS)]
        for renderer in self._all:
            self._free.put(renderer)

    def render_all(
        self, batch: Sequence[ToRender], until: float = float("inf")
    ) -> list[Rendered | Unrenderable]:
        """Render these messages, as Renderer does."""
        if not self._room.acquire(blocking=False):
            return [BUSY] * len(batch)
        try:
            renderer = self._free.get(timeout=WAITING_SECONDS)
        except Empty:
            self._room.release()
            return [BUSY] * len(batch)
        try:
            return renderer.render_all(batch, until)
        finally:
            self._free.put(renderer)
            self._room.release()

    def close(self) -> None:
        """End the child processes."""
        for renderer in self._all:
            renderer.close()


def init_app(app: Flask) -> None:
    """Have the pages render by these."""
    replace_renderer(app, PreviewRenderer())
    app.extensions["tries"] = threading.BoundedSemaphore(TRIES_MAX)


def few_at_once(view: Callable[P, T]) -> Callable[P, T]:
    """Serve few requests of all views that are marked so at once, and end what is over that with 503, in
    words."""

    @wraps(view)
    def served(*args: P.args, **kwargs: P.kwargs) -> T:
        places: threading.BoundedSemaphore = current_app.extensions["tries"]
        if not places.acquire(blocking=False):
            abort(503, BUSY_PAGE)
        try:
            return view(*args, **kwargs)
        finally:
            places.release()

    return served
