"""The set-up script where it cannot go on: it says what to do. (That it works is shown by .ci/smoke.py.)"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.launch.launched import ROOT


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what the set-up reads, where nothing has been set up."""
    for name in ("bin/setup", "requirements.lock", "requirements-uv.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(source: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    return subprocess.run(
        ["/bin/bash", "bin/setup"],
        cwd=source,
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_is_refused_by_name(source: Path) -> None:
    old = source / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = set_up(source, PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} is not a Python 3.11 or newer." in done.stderr
    assert not (source / ".venv").exists()


def test_without_any_python_it_says_what_to_install(source: Path) -> None:
    tools = source / "tools"
    tools.mkdir()
    for name in ("dirname", "flock"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    done = set_up(source, PATH=str(tools))
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_failed_install_is_not_taken_for_done(source: Path) -> None:
    """Without a way to the packages it fails, and fails again: a half-made .venv is not believed."""
    for _ in range(2):
        done = set_up(source, PIP_INDEX_URL="http://127.0.0.1:1/", PIP_FIND_LINKS="", PIP_RETRIES="0")
        assert done.returncode != 0
        assert not (source / ".venv" / ".setup-done").exists()
