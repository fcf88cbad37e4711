"""The list of what is open: its parts, what each row says, and the numbers."""

from __future__ import annotations

import re

from tests.fixing.conftest import part
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.access import OPERATOR
from webapp.results import to_fix
from webapp.results.to_fix import OpenCause


def test_item5_a_customer_without_address_is_there_once_for_all_runs(world: World, log_in: LogIn) -> None:
    world.add("")
    world.add("a@x.test")
    first, second = world.run(), world.run()
    browser = log_in()
    said = part(browser, "no-recipient")
    assert "No address for a key 1 customer" in said
    assert "no address with key “billing”" in said
    assert "Address for “billing”" in said
    assert re.search(r"frees 1 result in “.*” , 1 in “.*”", said)
    assert f"/runs/{first}" in browser.look("/fix").text
    assert f"/runs/{second}" in browser.look("/fix").text
    with world.runtime.database.reading() as session:
        counts = to_fix.counts(session, OPERATOR)
    assert {cause: n for cause, n in counts.items() if n} == {OpenCause.NO_RECIPIENT: 1}
    assert "To fix 1 waiting" in text_of(browser.look("/customers"))
