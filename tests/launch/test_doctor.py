"""`mailrun doctor` against real parts, well and unwell."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import update

from tests import factories
from tests.launch.launched import STARTED, launched, up
from tests.mailserver import MailServer
from tests.runtimes import open_runtime
from webapp.extensions import Runtime
from webapp.launch import checks
from webapp.launch.check_result import CheckResult
from webapp.launch.checks import examine
from webapp.queue import JobQueue
from webapp.store.workers import Worker


def findings(runtime: Runtime) -> dict[str, CheckResult]:
    return {finding.about: finding for finding in examine(runtime)}


@contextmanager
def beating(runtime: Runtime) -> Iterator[None]:
    """A worker whose beat moves."""
    with runtime.database.writing() as session:
        worker = Worker(name="w", machine="m", pid=1, pid_started=1)
        session.add(worker)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.1):
            with runtime.database.writing() as session:
                session.execute(update(Worker).values(beat=Worker.beat + 1))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def greeting(words: bytes) -> Iterator[int]:
    """A port where a server says these words to every caller."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller:
                caller.sendall(words)
                caller.settimeout(1)
                try:
                    caller.recv(100)
                    caller.sendall(b"221 bye\r\n")
                except OSError:
                    continue

    threading.Thread(target=answer, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_all_is_well(runtime: Runtime, server: MailServer) -> None:
    with beating(runtime):
        with runtime.database.writing() as session:
            factories.mail_server(session, port=server.port, name="one")
        seen = findings(runtime)
    assert {about: finding.well for about, finding in seen.items()} == {
        "database": True,
        "schema": True,
        "redis": True,
        "home": True,
        "store": True,
        "documents": True,
        "secret key": True,
        "plans": True,
        "mailboxes": True,
        "notices": True,
        "workers": True,
        "mail server one": True,
    }
    assert seen["workers"].words == "1 at work"


def test_each_trouble_is_told_in_its_own_line(runtime: Runtime) -> None:
    settings = replace(runtime.settings, redis_url="redis://127.0.0.1:1")
    sick = replace(runtime, settings=settings, queue=open_runtime(settings).queue)
    with greeting(b"554 go away\r\n") as port:
        with runtime.database.writing() as session:
            factories.mail_server(session, port=port, name="rude")
            factories.mail_server(session, port=1, name="shut")
            session.add(Worker(name="silent", machine="m", pid=1, pid_started=1))
        seen = findings(sick)
    assert not seen["redis"].well
    assert "0 at work, 1 silent" in seen["workers"].words
    assert seen["mail server rude"].words.endswith(": 554 go away")
    assert "refused" in seen["mail server shut"].words
    assert not any(seen[about].well for about in ("workers", "mail server rude", "mail server shut"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("right", "takes the login"),
        ("wrong", "it refuses the login: 535"),
        ("", "the environment variable DOCTORS_PASSWORD, which is to hold its password, is not set"),
    ],
)
def test_b8_it_logs_in(runtime: Runtime, server: MailServer, given: str, words: str) -> None:
    """With the password from `.env`; a missing one is told before any login."""
    server.auth = "mailrun:right"
    dotenv = {"DOCTORS_PASSWORD": given} if given else {}
    with runtime.database.writing() as session:
        row = factories.mail_server(session, port=server.port, name="one")
        row.username, row.password_env = "mailrun", "DOCTORS_PASSWORD"
    seen = findings(replace(runtime, settings=replace(runtime.settings, dotenv=dotenv)))["mail server one"]
    assert words in seen.words
    assert seen.well == (given == "right")
    assert len(server.logins) == {"right": 1, "wrong": 2, "": 0}[given]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), "it is full"),
        (("REPLICAOF", "127.0.0.1", "1"), "it is a read-only replica"),
        (("CONFIG", "SET", "requirepass", "secret"), "it refuses the login"),
    ],
)
def test_b9_a_redis_that_answers_and_takes_nothing(
    runtime: Runtime, redis_url: str, order: tuple[str, ...], words: str
) -> None:
    settings = replace(runtime.settings, redis_url=redis_url)
    sick = replace(runtime, settings=settings, queue=JobQueue(redis_url))
    assert findings(sick)["redis"].well
    Redis.from_url(redis_url).execute_command(*order)  # type: ignore[no-untyped-call]
    sick = replace(sick, queue=JobQueue(redis_url))
    assert words in findings(sick)["redis"].words
    assert not findings(sick)["redis"].well


@pytest.mark.security("C15")
def test_a_home_that_others_may_read_is_told(runtime: Runtime) -> None:
    home = runtime.settings.home
    home.chmod(0o755)
    told = findings(runtime)["home"]
    assert (told.look, told.words) == (
        "warn",
        f"{home} is open to others (mode 0755); call: chmod 700 {home}",
    )
    home.chmod(0o700)
    assert findings(runtime)["home"].look == "ok"


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("redis://queue.example:6379/0", True),
        ("rediss://10.1.2.3/0", True),
        ("redis://:secret@queue.example/0", False),
        ("redis://127.0.0.1:6379", False),
        ("redis://[::1]:6379", False),
        ("redis://localhost", False),
        ("unix:///run/redis.sock", False),
    ],
)
def test_a_redis_of_the_network_without_a_password_is_told(url: str, is_open: bool) -> None:
    assert checks.is_open(url) == is_open


def test_an_old_schema_is_told_with_the_way_out(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    seen = findings(runtime)
    assert not seen["schema"].well
    assert "mailrun init" in seen["schema"].words
    assert "workers" not in seen


def test_a_database_that_is_away_is_told_without_its_password(runtime: Runtime, tmp_path: Path) -> None:
    url = "postgresql+psycopg://someone:geheim@127.0.0.1:1/mailrun"
    away = open_runtime(replace(runtime.settings, database_url=url))
    seen = findings(away)
    assert not seen["database"].well
    assert "geheim" not in str(seen)


def test_a_store_that_cannot_be_written_is_told(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    sick = open_runtime(replace(runtime.settings, store_url=str(tmp_path / "file" / "documents")))
    assert not findings(sick)["store"].well


def test_a_store_without_the_databases_documents_is_told(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        of = factories.invoice(session, factories.customer(session, factories.cluster(session, "all")))
        document = factories.document(session, runtime.documents, of)
    assert findings(runtime)["documents"].words == "the store has all of 1"
    runtime.documents.remove(document.sha256)
    seen = findings(runtime)
    assert seen["store"].well
    assert not seen["documents"].well
    assert seen["documents"].words.startswith("the store lacks 1 of 1; restore it")


def test_the_probe_is_removed(runtime: Runtime) -> None:
    findings(runtime)
    assert [path for path in Path(runtime.settings.store_url).rglob("*") if path.is_file()] == []


def test_its_exit_status(tmp_path: Path) -> None:
    with launched(tmp_path / "home", up("--no-demo")) as started:
        started.wait_for(STARTED)
        assert_exit_status(tmp_path / "home", 0)
        started.press_ctrl_c()
        started.process.wait(45)
        assert_exit_status(tmp_path / "home", 1)


def assert_exit_status(home: Path, expected: int) -> None:
    with launched(home, [sys.executable, "-m", "webapp", "doctor"]) as asked:
        assert asked.process.wait(60) == expected, asked.said()
