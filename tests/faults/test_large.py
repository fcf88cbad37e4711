"""F37 and F48: a run of many whose maker is killed, and one of very many.

F48 has 100,000 mails; MAILRUN_FAULTS_MANY=1000000 makes it the million of the table."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select

from tests.faults.accounts import accounted
from tests.faults.installation import Site, crowd, kill_at, numbered
from tests.faults.processes import peak_memory
from tests.http_client import Browser
from tests.launch.launched import ROOT
from webapp.errors import Refused
from webapp.store.runs import Run

MANY = int(os.environ.get("MAILRUN_FAULTS_MANY", "100000"))
MOST_MEMORY = 300_000_000


THOUSANDS = [6_000, pytest.param(100_000, marks=[pytest.mark.slow_fault, pytest.mark.timeout(600)])]


def only_run(site: Site) -> Run | None:
    with site.world.runtime.database.reading() as session:
        return session.scalar(select(Run))


@pytest.mark.parametrize("many", THOUSANDS)
def test_f37_killed_while_a_run_is_being_created(site: Site, many: int) -> None:
    """`creating`, which cannot be started half, and which a worker completes; each invoice once."""
    crowd(site.world, numbered(many))
    first, last = ("2026-10-01", "2026-10-31")
    command = [sys.executable, "-m", "webapp", "runs", "create", "--definition", site.world.definition.name,
               "--cluster", "all", "--from", first, "--to", last]  # fmt: skip
    maker = subprocess.Popen(command, env={**os.environ, **site.environ}, cwd=ROOT)
    site.until(lambda: (run := only_run(site)) is not None and run.generated_up_to > 0)
    kill_at(maker)(None)
    run = only_run(site)
    assert run is not None
    assert run.status == "creating", "it was made before it could be killed"
    with pytest.raises(Refused, match="still being created"):
        site.world.start(run.id)
    for _ in range(2):  # two makers do no harm
        site.start_worker()
    site.until(lambda: site.world.status(run.id) == "created")
    assert accounted(site.world, run.id) == {"ready": many}


def page_seconds(browser: Browser, run_id: int) -> float:
    """How long the run's page takes when nothing else wants the processor: the quickest of ten."""
    taken = []
    for _ in range(10):
        began = time.monotonic()
        assert browser.look(f"/runs/{run_id}").status_code == 200
        taken.append(time.monotonic() - began)
    return min(taken)


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
