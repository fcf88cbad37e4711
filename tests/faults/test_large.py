"""F48: a run of very many. 100,000 in `make test-faults`; MAILRUN_FAULTS_MANY=1000000 makes it the million of
the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time

import pytest

from tests.browser import Browser
from tests.faults.accounts import accounted
from tests.faults.site import Site, crowd, numbered, peak_memory
from tests.launch.launched import ROOT

MANY = int(os.environ.get("MAILRUN_FAULTS_MANY", "100000"))
MOST_MEMORY = 300_000_000


def page_seconds(browser: Browser, run_id: int) -> float:
    """How long the run's page takes, as a rule."""
    taken = []
    for _ in range(7):
        began = time.monotonic()
        assert browser.look(f"/runs/{run_id}").status_code == 200
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def created(site: Site, tag: str) -> tuple[int, int]:
    """Makes a run with `mailrun runs create`; its id, and the most memory that the command had."""
    command = [sys.executable, "-m", "webapp", "runs", "create", "--definition", site.world.definition.name,
               "--cluster", tag, "--from", "2026-10-01", "--to", "2026-10-31", "--json"]  # fmt: skip
    process = subprocess.Popen(
        command, env={**os.environ, **site.environ}, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            try:
                peak[0] = max(peak[0], peak_memory(process.pid))
            except (OSError, ProcessLookupError):
                return
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    assert process.wait() == 0
    watching.join()
    return max(run_ids(site)), peak[0]


def run_ids(site: Site) -> list[int]:
    from webapp.store.runs import Run

    with site.world.runtime.database.reading() as session:
        return [id for (id,) in session.query(Run.id)]


@pytest.mark.slow_fault
@pytest.mark.timeout(300 + MANY // 50)
def test_f48_a_run_of_very_many(site: Site) -> None:
    """Created and sent in bounded memory; its page is as fast as that of a run of a thousand."""
    crowd(site.world, numbered(1_000, "small"))
    small, _ = created(site, "all")
    browser = site.pages()
    fast = page_seconds(browser, small)
    crowd(site.world, numbered(MANY, "many"))
    large, memory = created(site, "all")
    assert memory < MOST_MEMORY
    assert page_seconds(browser, large) < max(0.1, 3 * fast)
    workers = [site.start_worker(), site.start_worker()]
    site.world.start(large)
    site.until(lambda: len(site.server.taken) > MANY // 2, 100 + MANY / 50)
    assert page_seconds(browser, large) < max(0.3, 6 * fast)  # while two workers have both processors
    site.until_finished(large, 100 + MANY / 50)
    for worker in workers:
        assert peak_memory(worker.pid) < MOST_MEMORY
    assert page_seconds(browser, large) < max(0.1, 3 * fast)
    assert accounted(site.world, large) == {"sent": MANY + 1_000}
