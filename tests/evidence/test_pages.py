"""The button "Evidence" and what it downloads."""

from __future__ import annotations

import io
from datetime import timedelta
from zipfile import ZipFile

from sqlalchemy import select, update

from tests.http_client import LogIn, text_of
from tests.results.test_detail_pages import sent
from tests.world import World
from webapp.store.runs import Attempt
from webapp.store.types import now
from webapp.workers import WorkerProcess


def test_a_viewer_downloads_it_from_the_page(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.deliver(worker)
    browser = log_in("viewer")
    assert f'href="/runs/{run_id}/evidence.zip"' in browser.look(f"/runs/{run_id}").text
    answer = browser.client.get(f"/runs/{run_id}/evidence.zip")
    assert answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"] == f"attachment; filename=mailrun-run-{run_id}-evidence.zip"
    assert "no-store" in answer.headers["Cache-Control"]
    archive = ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    [mail] = [name for name in archive.namelist() if name.startswith("mails/")]
    assert archive.read(mail) == world.server.taken[0].data


def test_before_anything_was_started_there_is_no_button(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run()
    assert "evidence.zip" not in log_in().look(f"/runs/{run_id}").text


def test_of_a_mail_that_is_no_longer_kept_the_page_says_until_when_it_was(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add()
    id = sent(world, worker)
    with world.runtime.database.writing() as session:
        session.execute(
            update(Attempt).values(rebuild_data=None, rebuild_data_deleted_at=now() - timedelta(days=400))
        )
        digest = session.scalars(select(Attempt.sha256)).one()
    said = text_of(log_in("viewer").look(f"/results/{id}"))
    assert "What went out is no longer kept. The mail itself was kept until" in said
    assert digest in said.replace(" ", "")
    assert "as handed to the server" not in said
