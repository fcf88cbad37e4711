"""Previews that never end are refused beyond a few, and the pages go on (F4)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from webapp.extensions import runtime_of
from webapp.mailing.renderer import ToRender
from webapp.mailing.texts import MessageText, Rendered, Unrenderable
from webapp.web.preview_renderers import BUSY, RENDERERS, WAITING_MAX

ENDLESS = ToRender(
    MessageText("x", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", True),
    {},
)
"""One range alone may not be that large: it would be refused at once."""
FINE = ToRender(MessageText("x", "fine", False), {})


@pytest.mark.security("C6")
def test_f4_twelve_endless_previews_leave_the_pages_alone(pages: Flask) -> None:
    renderer = runtime_of(pages).renderer
    assert isinstance(renderer.render(FINE), Rendered)
    with ThreadPoolExecutor(12) as threads:
        found = [threads.submit(renderer.render, ENDLESS) for _ in range(12)]
        began = time.monotonic()
        assert pages.test_client().get("/healthz").status_code == 200
        assert time.monotonic() - began < 1
        answers = [one.result() for one in found]
    assert all(isinstance(answer, Unrenderable) for answer in answers)
    assert answers.count(BUSY) >= 12 - 2 * RENDERERS - WAITING_MAX
    assert isinstance(renderer.render(FINE), Rendered)
