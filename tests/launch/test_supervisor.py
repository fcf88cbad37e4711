"""The supervisor with parts that misbehave."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

from tests.launch.launched import launched, until

DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
BREEDS = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("bred", flush=True)
time.sleep(600)
"""
FALLS = "print('fell', flush=True); raise SystemExit(3)"
LAST_WORDS = """
import signal, sys, time
def end(*_):
    print("last words", flush=True)
    sys.exit()
signal.signal(15, end)
print("ready", flush=True)
time.sleep(600)
"""


def supervise(part: str) -> list[str]:
    return [sys.executable, "-m", "tests.launch.supervise", part]


def test_a_deaf_part_is_killed_after_its_grace(tmp_path: Path) -> None:
    with launched(tmp_path / "home", supervise(DEAF)) as started:
        started.wait_for("deaf")
        begun = time.monotonic()
        started.press_ctrl_c()
        assert started.process.wait(20) == 0
        assert time.monotonic() - begun >= 1.0
        assert not started.running()


def test_the_third_press_does_not_wait(tmp_path: Path) -> None:
    with launched(tmp_path / "home", supervise(DEAF.replace("600", "601"))) as started:
        started.wait_for("deaf")
        for _ in range(3):
            started.press_ctrl_c()
            time.sleep(0.1)
        started.process.wait(20)
        assert "Still ending: part" in started.said()
        assert not started.running()


def test_what_a_part_leaves_behind_in_another_session_is_ended_too(tmp_path: Path) -> None:
    with launched(tmp_path / "home", supervise(BREEDS)) as started:
        started.wait_for("bred")
        assert len(started.running()) == 2
        started.press_ctrl_c()
        assert started.process.wait(20) == 0
        assert not started.running()


def test_a_part_that_falls_at_once_is_started_again_ever_later(tmp_path: Path) -> None:
    with launched(tmp_path / "home", supervise(FALLS)) as started:
        started.wait_for("starts again in 2 s", 20)
        said = started.said()
        assert "part ended (exit status 3); it starts again in 0.5 s" in said
        assert said.index("in 0.5 s") < said.index("in 1 s") < said.index("in 2 s")
        started.press_ctrl_c()
        assert started.process.wait(20) == 0


def test_last_words_are_heard(tmp_path: Path) -> None:
    with launched(tmp_path / "home", supervise(LAST_WORDS)) as started:
        started.wait_for("part     | ready")
        started.press_ctrl_c()
        assert started.process.wait(20) == 0
        assert started.said().endswith("part     | last words\nall ended\n")


def test_it_goes_on_when_its_output_is_closed(tmp_path: Path) -> None:
    """A closed terminal or pipe is no reason to stop sending."""
    supervising = shlex.join(supervise("print(1, flush=True); import time; time.sleep(600)"))
    script = f"{supervising} | head -c 1"
    with launched(tmp_path / "home", ["bash", "-c", script]) as started:
        until(lambda: started.running("-c print(1"), 10, "the part runs")
        time.sleep(1)
        assert started.running("-c print(1")
