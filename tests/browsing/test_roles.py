"""Who sees which buttons, and whose runs."""

from __future__ import annotations

from playwright.sync_api import expect

from tests import factories
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.seen import results, row
from tests.browsing.watching import Watch
from tests.world import World

CHANGING = ("Start", "Send again", "Remove", "Put back", "New run", "Archive", "Unarchive")


def test_a_viewer_sees_everything_and_no_button(
    new_context: NewContext, installed: Installation, world: World
) -> None:
    number = world.add()[1].number
    run_id = world.run()
    page = new_context().new_page()
    log_in(page, installed.person("viewer"))
    result = world.results(run_id)[0].id
    for url in (f"/runs/{run_id}", f"/results/{result}", "/runs", "/"):
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for name in CHANGING:
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
            expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    page.goto(f"/runs/{run_id}")
    expect(row(page, number)).to_contain_text("Ready")
    expect(results(page).get_by_role("checkbox")).to_have_count(0)


def test_a_manager_of_another_cluster_does_not_find_the_run(
    new_context: NewContext, installed: Installation, world: World, watch: Watch
) -> None:
    world.add()
    run_id = world.run()
    result = world.results(run_id)[0].id
    with installed.runtime.database.writing() as session:
        elsewhere = factories.cluster(session, f"not {world.everybody.tag_name}")
    page = new_context().new_page()
    log_in(page, installed.person("manager", elsewhere))
    watch.expect("status of 404")
    for url in (f"/runs/{run_id}", f"/results/{result}", f"/runs/{run_id}/report.csv"):
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 404, url
        expect(page.get_by_role("alert")).to_be_visible()
    page.goto("/runs")
    expect(page.get_by_role("link", name=world.everybody.tag_name)).to_have_count(0)
