"""The fault table's installation: see site.py. Each test has its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.installation import Site
from tests.faults.spawn import Nursery
from tests.mailserver import MailServer, mail_server
from tests.runtimes import open_runtime
from tests.world import make_world
from webapp import config
from webapp.mailing.renderer import Renderer

HERE = Path(__file__).parent
WAITS = {
    "MAILRUN_LEASE": "2",
    "MAILRUN_SMTP_TIMEOUT": "10",
    "MAILRUN_SMTP_DATA_TIMEOUT": "30",
    "MAILRUN_TIME_SCALE": "600",
}
"""Short enough for tests, and long enough for a machine with too much to do."""

ON_BOTH = ("test_kills", "test_freezes", "test_people", "test_plans", "test_disks", "test_clocks")
"""The files of rows whose point may differ between the databases. The others' quick half is on SQLite."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        on = item.callspec.params.get("engine") if hasattr(item, "callspec") else ""
        if on == "postgresql" and item.path.parent == HERE and item.path.stem not in ON_BOTH:
            item.add_marker("slow_fault")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def waits(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings in which a test differs from the others (parametrize it, indirectly)."""
    return dict(getattr(request, "param", {}))


@pytest.fixture
def site(
    environ: dict[str, str],
    waits: dict[str, str],
    renderer: Renderer,
    tmp_path_factory: pytest.TempPathFactory,
    server: MailServer,
    nursery: Nursery,
) -> Iterator[Site]:
    """Redis runs; no worker does yet."""
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    environ = {**environ, **WAITS, **waits, "MAILRUN_REDIS_URL": f"unix://{socket}"}
    runtime = replace(open_runtime(config.load(environ)), renderer=renderer)
    made = Site(make_world(runtime, server), environ, socket, nursery=nursery)
    made.start_redis()
    try:
        yield made
    finally:
        made.end()
        runtime.database.dispose()
