"""Slow readers leave threads for the pages (F4)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.http_client import LogIn
from tests.world import World
from webapp.web import capacity
from webapp.web.capacity import Download, Downloads
from webapp.workers import WorkerProcess


def test_f4_downloads_are_limited_by_person_and_in_all(
    pages: Flask, log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add()
    url = f"/runs/{world.deliver(worker)}/evidence.zip"
    viewer, manager, admin = (log_in(role) for role in ("viewer", "manager", "admin"))
    slow = [browser.client.get(url, buffered=False) for browser in (viewer, viewer, manager)]
    assert viewer.look(url).status_code == 429
    slow.append(manager.client.get(url, buffered=False))
    assert [answer.status_code for answer in slow] == [200] * 4
    assert admin.look(url).status_code == 503
    assert pages.test_client().get("/healthz").status_code == 200
    for answer in slow:
        answer.close()
    assert admin.look(url).status_code == 200


def test_f4_what_a_broken_download_has_open_is_closed() -> None:
    closed: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"one"
            yield b"two"
        finally:
            closed.append(True)

    download = Download(Downloads(), "viewer", pieces())
    next(download)
    download.close()
    download.close()
    assert closed == [True]


@pytest.mark.parametrize("path", ["report.csv", "evidence.zip"])
def test_f4_a_place_is_given_back_at_the_end(
    log_in: LogIn, world: World, worker: WorkerProcess, path: str
) -> None:
    world.add()
    run_id = world.deliver(worker)
    browser = log_in("viewer")
    for _ in range(5):
        answer = browser.look(f"/runs/{run_id}/{path}")
        assert (answer.status_code, len(answer.data) > 100) == (200, True)


@pytest.mark.parametrize("pages", [0, 1])
def test_f4_a_download_rests_while_a_page_is_made(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)

    def pieces() -> Iterator[bytes]:
        until = time.thread_time() + 0.002
        while time.thread_time() < until:
            pass
        yield b"one"

    download = Download(Downloads(pages=pages), "viewer", pieces())
    assert list(download) == [b"one"]
    assert [0.002 * capacity.REST <= rest <= capacity.REST_SECONDS_MAX for rest in rests] == [True] * pages


def test_f4_pages_are_counted_while_they_are_made(pages: Flask, log_in: LogIn) -> None:
    downloads: Downloads = pages.extensions["downloads"]
    seen: list[int] = []
    pages.before_request(lambda: seen.append(downloads.pages))
    browser = log_in("viewer")
    assert browser.look("/runs").status_code == 200
    assert browser.look("/no-such-page").status_code == 404
    assert set(seen) == {1}
    assert downloads.pages == 0
