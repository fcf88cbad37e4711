"""Slow readers, half requests and hostile templates all at once: the pages answer, and mails go out (F4)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from tests.browsing.installation import Installation, addresses, customers, installation
from tests.http_client import PASSWORD
from tests.launch.besiegers import HIDDEN
from tests.launch.launched import ROOT, until
from tests.mailserver import MailServer

MAILS = 4000
PACE = 0.9
"""How much of the pace of sending must be left."""
SECONDS = 20
ANSWER_SECONDS = 1.0
WEB_KILOBYTES = 400_000


@pytest.mark.slow_found
@pytest.mark.timeout(400)
def test_f4_all_at_once_and_the_pages_answer_and_mails_go_out(
    sqlite_template: Path, tmp_path: Path, server: MailServer
) -> None:
    shutil.copy(sqlite_template, tmp_path / "mailrun.sqlite3")
    server.delay = 0.02
    with installation(f"sqlite:///{tmp_path / 'mailrun.sqlite3'}", tmp_path) as installed:
        world = installed.world(server, connections=2)
        people = [log_in(installed, installed.person("manager")) for _ in range(4)]
        customers(world, *addresses(300))
        sent = world.run(start=True)
        installed.site.until_finished(sent)
        customers(world, *addresses(MAILS))
        run_id = world.run(start=True)
        until(lambda: len(server.taken) > 400, 60, "mails go out")

        before, usual = watched(installed, server, people[0], run_id)
        with besieged(installed.web.port, f"/runs/{sent}/evidence.zip", [cookie for _, cookie in people]):
            time.sleep(5)  # until all of them are at it
            during, slowest = watched(installed, server, people[0], run_id)
            kilobytes = memory_of(installed)
    print(f"mails a second: {before:.1f}, then {during:.1f}; {kilobytes:,} KB")
    print(f"slowest answers, in seconds: {usual}, then {slowest}")
    assert max(slowest.values()) < ANSWER_SECONDS, slowest
    assert kilobytes < WEB_KILOBYTES
    assert during > PACE * before


def log_in(installed: Installation, email: str) -> tuple[OpenerDirector, str]:
    """A client in which this person is logged in, and its cookie."""
    jar = CookieJar()
    client = build_opener(HTTPCookieProcessor(jar))
    address = installed.web.address
    hidden = dict(HIDDEN.findall(client.open(f"{address}/login").read().decode()))
    typed = urlencode({**hidden, "email": email, "password": PASSWORD}).encode()
    assert "/login" not in client.open(f"{address}/login", typed).url
    return client, "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


@contextmanager
def besieged(port: int, path: str, cookies: list[str]) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.launch.besiegers", str(port), path, *cookies]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


def watched(
    installed: Installation, server: MailServer, person: tuple[OpenerDirector, str], run_id: int
) -> tuple[float, dict[str, float]]:
    """For some seconds: the mails a second, and the slowest answer of the pages by their path."""
    slowest: dict[str, float] = {}
    begun, taken = time.monotonic(), len(server.taken)
    while time.monotonic() < begun + SECONDS:
        for path in ("/healthz", f"/runs/{run_id}"):
            asked = time.monotonic()
            assert person[0].open(f"{installed.web.address}{path}", timeout=30).status == 200
            slowest[path] = max(slowest.get(path, 0.0), time.monotonic() - asked)
        time.sleep(0.5)
    return (len(server.taken) - taken) / (time.monotonic() - begun), slowest


def memory_of(installed: Installation) -> int:
    """The most that the web process has held, in KB."""
    process = installed.web.process
    assert process is not None
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1])
