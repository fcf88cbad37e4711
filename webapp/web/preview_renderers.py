"""Previews in the web process: few at once, by few renderers with a short queue, so that hostile or slow
templates never hold all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, LifoQueue

from flask import Blueprint, Flask, abort, current_app, g

from webapp.extensions import replace_renderer
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.translation import N_

RENDERERS = 2
WAITING_MAX = 2
WAITING_SECONDS = 8.0
TRIES_MAX = RENDERERS + WAITING_MAX
"""Requests that try a template at once. Dozens waiting for the one process that reads templates would all go
on in the moment in which it answers, and the pages would wait for all of them."""
BUSY = Unrenderable(N_("other previews are being rendered; try again in some seconds"))


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


def allow_few(blueprint: Blueprint) -> None:
    """Serve few requests of this blueprint at once, and end what is over that with 503, in words."""

    def begin() -> None:
        if not current_app.extensions["tries"].acquire(blocking=False):
            abort(503, BUSY.problem)
        g.is_a_try = True

    def end(_error: BaseException | None) -> None:
        if g.pop("is_a_try", False):
            current_app.extensions["tries"].release()

    blueprint.before_request(begin)
    blueprint.teardown_request(end)
