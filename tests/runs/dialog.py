"""What the tests of the pages of runs share."""

from __future__ import annotations

import re

from tests.http_client import Browser, fields, text_of
from tests.world import World
from webapp.new_run import generation
from webapp.store.runs import Run


def runs(world: World) -> list[Run]:
    with world.runtime.database.reading() as session:
        return session.query(Run).order_by(Run.id).all()


def shown_preview(browser: Browser, world: World, **given: object) -> dict[str, object]:
    """Fills the dialog in, without script: the page comes back with the preview and its fingerprint."""
    browser.look("/runs/new")
    answer = browser.press("/runs/preview", **fields(world, **given))
    found = re.search(r'name="fingerprint"[^>]* value="([0-9a-f]{64})"', answer.text)
    assert found, text_of(answer)
    return fields(world, fingerprint=found[1], **given)


def made(browser: Browser, world: World, **fields: object) -> int:
    answer = browser.press("/runs", **shown_preview(browser, world), **fields)
    assert answer.status_code == 303, text_of(answer)
    run_id = int(answer.location.rpartition("/")[2])
    generation.generate(world.runtime, run_id)
    return run_id
