"""What a worker does with an upload, on both databases: one at a time, all or nothing, also when it is
cancelled or dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import select, update

from tests.imports import folders
from tests.intake.conftest import Work
from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.intake import sets, upkeep, uploaded_files, work
from webapp.intake.receiving import UploadLimits, receive
from webapp.intake.set_folders import Reporter, SetFolder, new_folder, progress_of
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.types import now
from webapp.store.users import ImportSet
from webapp.store.workers import Worker
from webapp.workers import WorkerProcess

HEAD = "customer_code,key,address,display_name\n"


@pytest.fixture
def upload(world: World, tmp_path: Path) -> Callable[..., int]:
    """upload(emails_csv="…") sends the good folder of the tests of imports, so changed."""

    def send(**changes: str) -> int:
        root = folders.write(tmp_path / f"in-{len(list(tmp_path.iterdir()))}", None, **changes)
        folder = new_folder(world.runtime.settings.import_folder)
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        sent: list[tuple[str, IO[bytes]]] = [(str(p.relative_to(root)), p.open("rb")) for p in paths]
        received = receive(folder, sent, UploadLimits(10_000_000, 100))
        with world.runtime.database.reading() as session:
            tables = uploaded_files.look_at_all(session, received)
        with world.runtime.database.writing() as session:
            return sets.create(session, world.runtime.queue, OPERATOR, received, tables).id

    return send


def press_apply(world: World, set_id: int, *, with_removals: bool = False) -> None:
    with world.runtime.database.writing() as session:
        sets.apply(session, world.runtime.queue, OPERATOR, set_id, with_removals=with_removals)


def work_again(world: World, set_id: int, work_on: Work) -> ImportSet:
    """Check once more, with the files read as before."""
    with world.runtime.database.writing() as session:
        tables = uploaded_files.tables_of(sets.found(session, set_id).files)
        sets.check_again(session, world.runtime.queue, OPERATOR, set_id, tables, {})
    return work_on(set_id)


def codes(world: World) -> set[str]:
    with world.runtime.database.reading() as session:
        return set(session.scalars(select(Customer.code)))


def state(world: World, set_id: int) -> tuple[str, int | None]:
    with world.runtime.database.reading() as session:
        row = session.get_one(ImportSet, set_id)
        return row.state, row.worker_id


def folder_of(world: World, set_id: int) -> SetFolder:
    with world.runtime.database.reading() as session:
        return sets.folder_of(world.runtime.settings.import_folder, session.get_one(ImportSet, set_id))


def test_a_check_stores_nothing_and_apply_everything(
    world: World, upload: Callable[..., int], work_on: Work
) -> None:
    set_id = upload()
    checked = work_on(set_id)
    assert (checked.state, checked.summary["can_apply"], codes(world)) == ("checked", True, set())
    press_apply(world, set_id)
    assert work_on(set_id).state == "applied"
    assert codes(world) == {"C1", "C2"}
    again = work_on(upload())
    assert not again.summary["changes_anything"]
    with pytest.raises(Refused, match="is applied already"):
        press_apply(world, set_id)


def test_one_upload_is_worked_on_at_a_time(world: World, upload: Callable[..., int]) -> None:
    first, second = upload(), upload()
    with world.runtime.database.writing() as session:
        assert sets.due(session) == first
        assert sets.claim(session, 1, first)
        assert not sets.claim(session, 2, first)
        assert not sets.claim(session, 2, second)
        assert sets.due(session) is None


def test_cancelling_leaves_nothing(
    world: World, worker: WorkerProcess, upload: Callable[..., int], work_on: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    set_id = upload()
    work_on(set_id)
    press_apply(world, set_id)
    folder = folder_of(world, set_id)
    shares: list[float] = []
    told = Reporter.__call__

    def tell(self: Reporter, step: str, share: float) -> None:
        shares.append(share)
        if step == "Storing":
            folder.cancel("marit@example.com")
            self._told_at = float("-inf")
        told(self, step, share)

    monkeypatch.setattr(Reporter, "__call__", tell)
    row = work_on(set_id)
    assert (row.state, row.changed_by, row.worker_id) == ("cancelled", "marit@example.com", None)
    assert max(shares) > 0.7
    assert codes(world) == set()
    monkeypatch.undo()
    press_apply(world, set_id)
    assert work_on(set_id).state == "applied"
    assert codes(world) == {"C1", "C2"}


def test_a_lost_worker_is_told_and_the_import_can_be_applied_again(
    world: World, upload: Callable[..., int], work_on: Work
) -> None:
    set_id = upload()
    work_on(set_id)
    press_apply(world, set_id)
    lost = WorkerProcess(world.runtime.database, "lost")
    with world.runtime.database.writing() as session:
        assert sets.claim(session, lost.id, set_id)
    assert upkeep.due(world.runtime) is None
    assert state(world, set_id) == ("applying", lost.id)
    with world.runtime.database.writing() as session:
        session.execute(update(Worker).where(Worker.id == lost.id).values(lost_at=now()))
    upkeep.due(world.runtime)
    assert state(world, set_id) == ("failed", None)
    with world.runtime.database.reading() as session:
        assert "The worker that was busy with it ended." in session.get_one(ImportSet, set_id).problem
    press_apply(world, set_id)
    assert work_on(set_id).state == "applied"


def test_a_worker_that_ends_leaves_it_to_the_next(
    world: World, worker: WorkerProcess, upload: Callable[..., int]
) -> None:
    set_id = upload()
    worker.stopping.set()
    work.work(world.runtime, worker, set_id)
    assert state(world, set_id) == ("checking", None)
    assert upkeep.due(world.runtime) == set_id


def test_an_error_of_ours_leaves_no_upload_waiting(
    world: World, worker: WorkerProcess, upload: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_id = upload()
    monkeypatch.setattr(os, "link", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work.work(world.runtime, worker, set_id)
    assert state(world, set_id) == ("failed", None)


def test_more_removals_than_the_check_said_are_refused(
    world: World, upload: Callable[..., int], work_on: Work
) -> None:
    rows = [f"C1,billing,a{n}@customers.test,\n" for n in range(80)]
    first = upload(emails_csv=HEAD + "".join(rows[:-1]))
    work_on(first)
    press_apply(world, first)
    work_on(first)
    second = upload(emails_csv=HEAD + rows[-1])
    assert work_on(second).summary["too_much_removed"]
    with pytest.raises(Refused, match="Tick that these addresses"):
        press_apply(world, second)
    more = [f"C1,billing,b{n}@customers.test,\n" for n in range(5)]
    third = upload(emails_csv=HEAD + "".join([*rows, *more]))
    work_on(third)
    press_apply(world, third)
    assert work_on(third).state == "applied"
    press_apply(world, second, with_removals=True)
    refused = work_on(second)
    assert refused.state == "failed"
    assert "More addresses or documents would be taken away by now" in refused.problem
    with world.runtime.database.reading() as session:
        assert len(session.scalars(select(CustomerEmail.id)).all()) == 85
    assert work_again(world, second, work_on).summary["removed"] == 84
    press_apply(world, second, with_removals=True)
    assert work_on(second).state == "applied"


def test_files_are_deleted_after_a_week_and_the_history_stays(
    world: World, upload: Callable[..., int], work_on: Work
) -> None:
    set_id = upload()
    work_on(set_id)
    folder = folder_of(world, set_id)
    upkeep.delete_old(world.runtime)
    assert folder.path.is_dir()
    with world.runtime.database.writing() as session:
        session.execute(update(ImportSet).values(made_at=now() - timedelta(days=8)))
    upkeep.delete_old(world.runtime)
    assert not folder.path.exists()
    assert state(world, set_id) == ("checked", None)
    with pytest.raises(Refused, match="files of this import are deleted"):
        press_apply(world, set_id)


def test_progress_is_told(tmp_path: Path, worker: WorkerProcess) -> None:
    folder = SetFolder(tmp_path / "set")
    folder.make()
    Reporter(folder, worker)("Reading", 0.25)
    assert (progress_of(folder).step, progress_of(folder).percent) == ("Reading", 25)


def test_two_files_of_one_kind_are_refused_in_words(
    world: World, upload: Callable[..., int], work_on: Work
) -> None:
    set_id = upload()
    work_on(set_id)
    with world.runtime.database.writing() as session:
        tables = uploaded_files.tables_of(sets.found(session, set_id).files)
        again = replace(
            next(each for each in tables if each.kind == "customers.csv"), number=99, name="more.csv"
        )
        sets.check_again(session, world.runtime.queue, OPERATOR, set_id, [*tables, again], {})
    [words] = work_on(set_id).summary["refused"]
    assert words.startswith("“customers.csv” and “more.csv” are both Customers. Leave one of them out")
    assert codes(world) == set()
