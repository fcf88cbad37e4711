"""Previews that never end are refused beyond a few, and the pages go on (F4)."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from tests.http_client import LogIn
from webapp.extensions import runtime_of
from webapp.mailing.renderer import ToRender
from webapp.mailing.sandbox import NICENESS, NICENESS_OF_SESSION
from webapp.mailing.texts import MessageText, Rendered, Unrenderable
from webapp.web.preview_renderers import BUSY, RENDERERS, TRIES_MAX, WAITING_MAX

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


def test_f4_what_is_over_a_few_tries_at_once_is_refused(pages: Flask, log_in: LogIn) -> None:
    browser = log_in("editor")
    browser.look("/templates/new")
    places: threading.BoundedSemaphore = pages.extensions["tries"]
    for n in range(TRIES_MAX):
        assert browser.press("/templates/check", source="x").status_code == 200, n
        places.acquire(blocking=False)
    refused = browser.press("/templates/check", source="x")
    assert (refused.status_code, "Try again in some seconds" in refused.text) == (503, True)
    assert "<nav" not in refused.text  # to refuse must cost less than to serve
    assert browser.press("/templates/test", source="x").status_code != 503  # a mail server may be slow
    places.release()
    assert browser.press("/templates/check", source="x").status_code == 200


def test_f4_a_renderer_of_previews_leaves_the_processor_to_others(pages: Flask) -> None:
    renderer = runtime_of(pages).renderer
    assert isinstance(renderer.render(FINE), Rendered)
    ours = [child for child in children() if os.getpriority(os.PRIO_PROCESS, child) == NICENESS]
    assert ours
    for sharing in (Path(f"/proc/{child}/autogroup") for child in ours):
        if not sharing.exists():
            pytest.skip("this kernel does not share processors out by session")
        assert sharing.read_text().split()[-1] == str(NICENESS_OF_SESSION)


def children() -> list[int]:
    """The processes that this one has started."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
