"""A person who uploads, and a worker that does what is due with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.http_client import Browser, LogIn
from tests.world import World
from webapp.intake import work
from webapp.store.users import ImportSet
from webapp.workers import WorkerProcess

Work = Callable[[int], ImportSet]


@pytest.fixture
def browser(log_in: LogIn, world: World) -> Browser:
    """A manager; there is one recipient key, billing."""
    return log_in("manager")


@pytest.fixture
def work_on(world: World, worker: WorkerProcess) -> Work:
    """Have a worker do what is due with an upload; gives its row."""

    def go(set_id: int) -> ImportSet:
        work.work(world.runtime, worker, set_id)
        with world.runtime.database.reading() as session:
            return session.get_one(ImportSet, set_id)

    return go
