"""`mailrun up` with real processes: it starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.launch.launched import STARTED, Launched, launched, until, up
from tests.realmail.servers import free_ports

PARTS = ("webapp web", "webapp catcher", "jobs.worker", "redis-server")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Launched]:
    """Everything but the demo company, up."""
    with launched(tmp_path / "home", up("--no-demo")) as started:
        started.wait_for(STARTED)
        yield started


def nothing_left(started: Launched) -> None:
    until(lambda: not started.running(), 5, "every process ended")


def test_everything_starts_and_answers(running: Launched) -> None:
    assert [len(running.running(part)) for part in PARTS] == [1, 1, 2, 1]
    with urllib.request.urlopen(f"{running.address}/healthz") as answer:
        assert answer.status == 200
    first_start = re.search(
        r"First start: open (\S+/setup) and enter the code [A-Z2-7-]{14}\.", running.said()
    )
    assert first_start
    with urllib.request.urlopen(f"{running.address}/runs") as answer:
        assert answer.url == first_start[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_ends_all_of_it(running: Launched, number: signal.Signals) -> None:
    running.process.send_signal(number)
    assert running.process.wait(45) == 0
    assert not running.running()
    assert running.said().rstrip().endswith("Stopped.")


def test_ctrl_c_twice_ends_all_of_it(running: Launched) -> None:
    running.press_ctrl_c()
    time.sleep(0.1)
    running.press_ctrl_c()
    assert running.process.wait(45) == 0
    assert not running.running()


@pytest.mark.parametrize("seconds", [0.2, 0.9, 1.5, 2.0, 2.6])
def test_ctrl_c_in_mid_start_leaves_nothing(tmp_path: Path, seconds: float) -> None:
    with launched(tmp_path / "home", up("--no-demo")) as started:
        time.sleep(seconds)
        started.press_ctrl_c()
        started.process.wait(45)
        assert not started.running()


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back(running: Launched, part: str) -> None:
    before = running.running(part)
    os.kill(min(before), signal.SIGKILL)
    until(lambda: len(running.running(part) - before) == 1, 8, f"{part} was started again")
    assert "killed by SIGKILL" in running.said()
    if part == "webapp web":
        until(lambda: _answers(running.address), 15, "the web part answers again")


def test_no_part_outlives_a_killed_supervisor(running: Launched) -> None:
    assert len(running.running()) >= 5
    running.process.kill()
    nothing_left(running)


def test_a_second_start_in_the_same_home_is_refused(running: Launched, tmp_path: Path) -> None:
    with launched(tmp_path / "home", up("--no-demo")) as second:
        assert second.process.wait(30) == 1
        assert f"already running in {tmp_path / 'home'} (process {running.process.pid})" in second.said()
    assert _answers(running.address)


@pytest.mark.parametrize("setting", ["MAILRUN_PORT", "MAILRUN_CATCHER_PORT"])
def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with launched(tmp_path / "home", up("--no-demo"), {setting: str(port)}) as started:
            assert started.process.wait(30) == 1
            assert f"Port {port} on 127.0.0.1 is taken" in started.said()
            assert f"{setting}={port + 1}" in started.said()
    assert not (tmp_path / "home" / "mailrun.sqlite3").exists()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"MAILRUN_PORT": "99999"}, "MAILRUN_PORT is 99999; it must be a number of at most 65535"),
        ({"MAILRUN_PORT": "eight"}, "MAILRUN_PORT is 'eight'; it must be a number"),
        ({"MAILRUN_HOST": "nowhere.invalid"}, "MAILRUN_HOST is 'nowhere.invalid'"),
    ],
)
@pytest.mark.parametrize("command", ["up", "web"])
def test_a_setting_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, command: str, environ: dict[str, str], words: str
) -> None:
    with launched(tmp_path / "home", [sys.executable, "-m", "webapp", command], environ) as started:
        assert started.process.wait(30) == 1
        assert started.said().startswith(f"Error: {words}")
        assert started.said().count("\n") == 1, started.said()


def test_without_a_catcher_none_is_started(tmp_path: Path) -> None:
    with launched(tmp_path / "home", up("--no-demo", "--no-catcher")) as started:
        started.wait_for(STARTED)
        assert not started.running("webapp catcher")
        assert "/dev/mailbox" not in started.said()


def test_told_that_there_is_no_redis_it_starts_none(tmp_path: Path) -> None:
    with launched(tmp_path / "home", up("--no-demo"), {"MAILRUN_REDIS_URL": "none"}) as started:
        started.wait_for(STARTED)
        assert not started.running("redis-server")


def test_a_port_for_mails_that_come_back_is_opened_once_a_mailbox_is_one(tmp_path: Path) -> None:
    adding = (
        "INSERT INTO mailbox (name, kind, host, port, security, username, password, authorities, folder,"
        " done_folder, every_minutes, reader)"
        " VALUES (?, 'port', '127.0.0.1', ?, 'none', '', '', '', '', '', 5, '')"
    )
    with launched(tmp_path / "home", up("--no-demo", "--no-catcher")) as started:
        started.wait_for(STARTED)
        assert not started.running("bounces listen")
        ports = free_ports(2)
        for name, port in zip("ab", ports, strict=True):
            with closing(sqlite3.connect(tmp_path / "home" / "mailrun.sqlite3")) as database:
                database.execute(adding, (name, port))
                database.commit()
            started.wait_for(f"{name}: taking mails at 127.0.0.1:{port}")
        for port in ports:
            with smtplib.SMTP("127.0.0.1", port) as client:
                assert client.ehlo()[0] == 250
        with closing(sqlite3.connect(tmp_path / "home" / "mailrun.sqlite3")) as database:
            database.execute("DELETE FROM mailbox WHERE name = 'a'")
            database.commit()
        until(lambda: not _takes(ports[0]), 30, "the port is closed")
        assert _takes(ports[1])


def _takes(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
