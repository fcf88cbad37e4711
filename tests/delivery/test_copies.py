"""Where copies of a mail may go (MAILRUN_BCC_DOMAINS)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.world import World
from webapp.workers import WorkerProcess


@pytest.mark.security("C3")
def test_f6_no_mail_carries_copies_out_of_the_company(world: World, worker: WorkerProcess) -> None:
    world.add()
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, bcc_domains=("example.org",)))
    run_id = world.deliver(worker, bcc=["archive@example.com"])
    [result] = world.results(run_id)
    assert (result.status, world.server.taken) == ("failed", [])
    assert result.detail == "archive@example.com may get no copies: Bcc may go to example.org only"
