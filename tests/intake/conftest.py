"""A worker that does what is due with an upload."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.world import World
from webapp.intake import work
from webapp.store.users import ImportSet
from webapp.workers import WorkerProcess

Work = Callable[[int], ImportSet]


@pytest.fixture
def work_on(world: World, worker: WorkerProcess) -> Work:
    """Have a worker do what is due with an upload; gives its row."""

    def go(set_id: int) -> ImportSet:
        work.work(world.runtime, worker, set_id)
        with world.runtime.database.reading() as session:
            return session.get_one(ImportSet, set_id)

    return go
