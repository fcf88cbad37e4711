"""What has to be there before the first run."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, text_of
from tests.world import World


@pytest.mark.parametrize("path", ["/", "/runs"])
def test_the_steps_are_listed_until_all_is_there(log_in: LogIn, world: World, path: str) -> None:
    admin = log_in("admin")
    before = admin.look(path)
    assert 'href="/imports"><strong>Customers' in before.text
    assert "Mail server done" in text_of(before)
    assert 'href="/servers/new"' not in before.text  # there is one
    manager = log_in("manager", "left").look(path).text
    assert 'href="/imports"><strong>' not in manager  # an import reaches customers of all clusters
    assert "first-steps" not in log_in("viewer").look(path).text
    world.add(documents=False)
    assert "Customers done" in text_of(admin.look(path))
    world.add()
    assert "first-steps" not in admin.look(path).text
    assert 'class="btn primary" href="/runs/new"' in admin.look(path).text


def test_with_a_run_there_are_no_steps(log_in: LogIn, world: World) -> None:
    world.add()
    world.run()
    assert "first-steps" not in log_in("admin").look("/").text
