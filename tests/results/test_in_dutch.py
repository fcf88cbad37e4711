"""The pages about results, as a person reads them who reads Dutch."""

from __future__ import annotations

from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.users import User


def test_results_in_dutch(log_in: LogIn, world: World) -> None:
    for address in ("a@x.test", "b@x.test", ""):
        world.add(address)
    run_id = world.run()
    ready, other, skipped = world.results(run_id)
    browser = log_in("manager")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    page = text_of(browser.look(f"/results/{skipped.id}?status=skipped"))
    assert "Overgeslagen 1 van 1 overgeslagen" in page
    assert "Deze e-mail kan niet worden verzonden." in page
    assert "1 factuur" not in page
    browser.look(f"/runs/{run_id}")
    asked = browser.press(f"/runs/{run_id}/results/send-again", id=str(ready.id), htmx=True)
    assert "1 niet verzonden" in text_of(asked) or "Niet verzonden: al klaar" in text_of(asked)
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/remove", id=[ready.id, other.id])
    assert "2 resultaten verwijderd." in text_of(browser.look(f"/runs/{run_id}"))
