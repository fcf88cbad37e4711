"""The renderers of the web process: few, with a short queue, so that hostile or slow templates in previews
never hold all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, LifoQueue

from flask import Flask

from webapp.extensions import replace_renderer
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.translation import N_

RENDERERS = 2
WAITING_MAX = 2
WAITING_SECONDS = 8.0
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
