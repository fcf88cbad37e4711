"""F12 to F15: databases that go away, are held by others, or have no room; a store without room."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from tests.faults import disks
from tests.faults.accounts import accounted
from tests.faults.disks import SmallDisk
from tests.faults.installation import Site, numbered
from tests.faults.test_kills import FIRST, SECOND, THIRD, sqlite_only
from tests.faults.test_replies import there
from tests.http_client import text_of
from tests.postgres import PostgresServer, postgres_server
from webapp.access import OPERATOR
from webapp.document_store.stores import DocumentFolder
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.store.invoices import TransformationResult
from webapp.store.workers import Worker


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[tuple[PostgresServer, Path]]:
    """A PostgreSQL that only the tests of one file use, so that it can be restarted; and its folder."""
    with (
        tempfile.TemporaryDirectory(prefix="mailrun-restarted-") as folder,
        pytest.MonkeyPatch.context() as m,
    ):
        m.delenv("PG_TEST_URL", raising=False)  # that one is not ours to restart
        with postgres_server(Path(folder)) as server:
            yield server, Path(folder)


class TestRestarted:
    """F12, on a PostgreSQL of its own."""

    @pytest.fixture
    def database_url(self, own_postgres: tuple[PostgresServer, Path]) -> Iterator[str]:
        with own_postgres[0].fresh_database() as url:
            yield url

    @pytest.mark.parametrize("stage", ["rcpt", "dot"])
    def test_f12_postgresql_restarted_in_mid_send(
        self, site: Site, own_postgres: tuple[PostgresServer, Path], stage: str
    ) -> None:
        folder = own_postgres[1]
        sent_though_away(
            site, stage, lambda: disks.crash_postgres(folder), lambda: disks.revive_postgres(folder)
        )

    @pytest.mark.parametrize("stage", ["rcpt", "dot"])
    def test_f12_postgresql_that_may_only_be_read_from(
        self, site: Site, own_postgres: tuple[PostgresServer, Path], tmp_path: Path, stage: str
    ) -> None:
        """As when another server takes its place: it may be read from, for a moment, and over connections
        from that moment for good. The same must come of it."""
        server, database = own_postgres[0], site.world.runtime.database.url.database

        def demote() -> None:
            server.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
            server.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(datname, 'test_')"
            )

        def promote() -> None:
            with pytest.raises(ImportRefused, match="the database cannot go on"):
                import_folder(
                    site.world.runtime.database, site.world.runtime.documents, one_cluster(tmp_path)
                )
            server.run(f"ALTER DATABASE {database} SET default_transaction_read_only = off")

        sent_though_away(site, stage, demote, promote)


def sent_though_away(
    site: Site, stage: str, go_away: Callable[[], None], come_back: Callable[[], None]
) -> None:
    """The database goes away at this stage of a mail. Before the dot: tried again. After it: the worker that
    still holds the 250 writes it when the database is back. One copy."""
    away = threading.Event()

    def act(_: object) -> None:
        go_away()
        away.set()

    site.over(max_connections=1)
    site.server.when(stage, SECOND, act)
    site.start_worker()
    run_id = site.send(FIRST, SECOND, THIRD)
    assert away.wait(60)
    if stage == "dot":
        site.until(lambda: bool(there(site, SECOND)))
    time.sleep(1.5)  # so that it is the worker who finds the database away
    come_back()
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 3}
    outcomes = site.outcomes(run_id, SECOND)
    assert outcomes == ["accepted"] if stage == "dot" else outcomes[-1] == "accepted"


def one_cluster(folder: Path) -> Path:
    (folder / "clusters.csv").write_text("tag_name,parents\nnew,\n")
    return folder


def path_of(site: Site) -> str:
    path = site.world.runtime.database.url.database
    assert path is not None
    return path


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
@sqlite_only
def test_f13_sqlite_held_by_another_process(site: Site, stage: str) -> None:
    """For 3 s, which is longer than the lease here: everything waits, no worker is lost; one copy each."""
    held = threading.Event()

    def hold() -> None:
        with disks.locked(path_of(site), 3):
            held.set()

    def act(_: object) -> None:
        threading.Thread(target=hold).start()
        held.wait(20)

    site.over(max_connections=2)
    site.server.when(stage, numbered(8)[3], act)
    for _ in range(2):
        site.start_worker()
    run_id = site.send(*numbered(8))
    assert held.wait(30)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 8}
    with site.world.runtime.database.reading() as session:
        assert session.scalars(select(Worker.lost_at)).all() == [None, None]


@pytest.mark.slow_fault
@sqlite_only
def test_f13_sqlite_held_for_a_minute(site: Site) -> None:
    """The page says so, in words and without a stack; one copy each."""
    for _ in range(2):
        site.start_worker()
    site.server.delay = 0.05
    site.add(*numbered(60))
    run_id, browser = site.world.run(), site.pages()
    browser.look(f"/runs/{run_id}")
    site.world.start(run_id)
    site.until(lambda: len(site.server.taken) >= 10)
    with disks.locked(path_of(site), 60):
        assert browser.look(f"/runs/{run_id}").status_code == 200
        stopped = browser.press(f"/runs/{run_id}/sending/stop")
        said = text_of(stopped)
        assert (stopped.status_code, "Traceback" in said) == (503, False)
        assert "The database does not answer. Nothing is lost." in said
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 60}


class TestFullDisk:
    """F14: the database on a file system that is full."""

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[SmallDisk]:
        with disks.small_disk(tmp_path / "small", 12) as disk:
            yield disk

    @pytest.fixture
    def database_url(self, disk: SmallDisk, sqlite_template: Path) -> str:
        shutil.copy(sqlite_template, disk.root / "mailrun.sqlite3")
        return f"sqlite:///{disk.root / 'mailrun.sqlite3'}"

    def test_f14_disk_of_the_database_full(self, site: Site, disk: SmallDisk) -> None:
        """Nothing is sent without its mark; the page says so; once there is room it goes on, one copy
        each."""
        addresses = numbered(40)
        site.over(max_connections=2)
        site.server.delay = 0.02
        site.start_worker()
        site.add(*addresses)
        run_id, browser = site.world.run(), site.pages()
        browser.look(f"/runs/{run_id}")
        site.world.start(run_id)
        site.until(lambda: len(site.server.taken) >= 5)
        with no_room(site, disk):
            before = len(site.server.taken)
            said = browser.press(f"/runs/{run_id}/sending/stop")
            assert (said.status_code, "The database does not answer" in said.text) == (503, True)
            assert "Traceback" not in said.text
            time.sleep(1.0)  # what must not happen has no condition to wait for
            assert len(site.server.taken) - before <= 2  # those whose dot had gone out already
        site.until_finished(run_id)
        assert accounted(site.world, run_id) == {"sent": 40}


@contextmanager
def no_room(site: Site, disk: SmallDisk) -> Iterator[None]:
    """Fills the disk until the database cannot write a single page; clears it at the end.

    A reader keeps its view meanwhile: without one, SQLite starts its log from the top again, over space that
    it has already, and a small write still finds room (https://www.sqlite.org/wal.html, part 2.3).
    """

    def refuses() -> bool:
        disk.fill()
        try:
            with site.world.runtime.database.writing() as session:
                session.execute(text("CREATE TABLE IF NOT EXISTS filler (x)"))
                session.execute(text("INSERT INTO filler VALUES (1)"))
        except OperationalError as error:
            return "full" in str(error)
        return False

    with disks.reader(path_of(site)):
        site.until(refuses)
        yield
        disk.clear()


@sqlite_only
def test_f14_files_that_may_not_grow(site: Site) -> None:
    """The same where nothing can be mounted: the worker's own files may not grow. Nothing is sent without
    its mark, and it goes on when they may."""
    site.add(*numbered(20))
    run_id = site.world.run()
    worker = site.start_worker()
    site.until(lambda: site.rq.scard("rq:workers") == 1)
    disks.no_file_may_grow(worker.pid, 4096)
    site.world.start(run_id)
    time.sleep(1.5)  # what must not happen has no condition to wait for
    assert site.server.taken == []
    assert worker.poll() is None
    disks.files_may_grow(worker.pid)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 20}


def document_of(site: Site) -> TransformationResult:
    with site.world.runtime.database.reading() as session:
        return session.query(TransformationResult).order_by(TransformationResult.id).limit(1).one()


@sqlite_only
def test_f15_a_document_that_the_store_had_no_room_for(site: Site) -> None:
    """Half written by some other program on a full disk: held with that reason, nothing sent without it; Send
    again sends it when it is whole."""
    site.add(FIRST, SECOND)
    digest = document_of(site).sha256
    whole = site.world.runtime.documents.get(digest)
    site.stored(digest).write_bytes(whole[:10])
    run_id = site.world.run()
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    result = site.result(run_id, FIRST)
    assert (result.status, result.reason) == ("skipped", "suspect_document")
    assert site.server.mails_to(FIRST) == []
    assert accounted(site.world, run_id) == {"skipped": 1, "sent": 1}
    site.stored(digest).write_bytes(whole)
    with site.world.runtime.database.writing() as session:
        resend.send_again(session, site.world.runtime.queue, BulkSelection(run_id, (result.id,)), OPERATOR)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 2}


def test_f15_disk_of_the_store_full(tmp_path: Path) -> None:
    """Storing a document fails, in words of the system's, and leaves nothing behind that looks like one."""
    with disks.small_disk(tmp_path / "small", 1) as disk:
        store = DocumentFolder(disk.root / "documents")
        fine = store.put(b"small")
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            store.put(b"x" * 100_000)
        assert [path.name for path in store.root.rglob("*") if path.is_file()] == [fine]
        disk.clear()
        assert store.has(store.put(b"x" * 100_000))
