"""An installation with something behind every address, for checks of every page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from tests.approvals.conftest import big_run, four_eyes, people
from tests.http_client import Browser, LogIn
from tests.web.routes import address, routes
from tests.world import World
from webapp.store.customers import Cluster
from webapp.store.definitions import TemplateImage
from webapp.workers import WorkerProcess

__all__ = ["big_run", "four_eyes", "people"]  # fixtures


@dataclass
class Whole:
    """A run over cluster "left" that has been sent, a picture, and an administrator who looks at it all."""

    pages: Flask
    world: World
    run_id: int
    result_id: int
    admin: Browser

    def addresses(self, method: str) -> list[str]:
        """An address of every route that takes this method."""
        return [address(rule, self.run_id, self.result_id) for rule in sorted(routes(self.pages, method))]


@pytest.fixture
def whole(
    pages: Flask, world: World, worker: WorkerProcess, log_in: LogIn, in_cluster: Callable[[str], int]
) -> Whole:
    in_cluster("left")
    with world.runtime.database.writing() as session:
        left = session.scalars(select(Cluster).where(Cluster.tag_name == "left")).one()
        logo = world.runtime.documents.put(b"a logo")
        session.add(TemplateImage(name="logo", media_type="image/png", size=6, sha256=logo))
    run_id = world.run(cluster_id=left.id)
    world.start(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    return Whole(pages, world, run_id, world.results(run_id)[0].id, log_in("admin"))
