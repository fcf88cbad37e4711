"""What the pages say and do when the database belongs to another secret key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.http_client import LogIn, text_of
from tests.runtimes import open_runtime
from tests.world import World
from webapp.extensions import Runtime
from webapp.store import installation


@pytest.fixture(autouse=True)
def copied(runtime: Runtime) -> None:
    """The database was bound to another secret key before."""
    other = open_runtime(replace(runtime.settings, secret_key="another"))
    with other.database.writing() as session:
        installation.bind(session)
    other.database.dispose()


def test_every_page_says_so_and_leads_an_administrator_on(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run()
    for role in ("viewer", "manager", "admin"):
        browser = log_in(role)
        for url in ("/", "/runs", f"/runs/{run_id}", "/account"):
            page = browser.look(url)
            assert "Nothing is sent. This database was made with another secret key" in text_of(page)
            assert ('href="/takeover"' in page.text) == (role == "admin")
    assert "Held" in text_of(browser.look("/runs"))
    said = text_of(browser.look(f"/runs/{run_id}"))
    assert "goes on by itself" not in said


@pytest.mark.parametrize("htmx", [False, True])
def test_start_is_refused_in_words(log_in: LogIn, world: World, htmx: bool) -> None:
    world.add()
    run_id = world.run()
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    answer = browser.press(f"/runs/{run_id}/sending", htmx=htmx)
    said = text_of(answer if htmx else browser.look(f"/runs/{run_id}"))
    assert "Nothing can be started: this database was made with another secret key" in said
    assert world.status(run_id) == "created"


def test_an_administrator_takes_it_over_in_words(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run()
    browser = log_in("admin")
    said = text_of(browser.look("/takeover"))
    assert "customers would get mails twice" in said
    browser.press("/takeover", words="yes")
    assert "Nothing was taken over" in text_of(browser.look("/takeover"))
    assert browser.press("/takeover", words="take over").location == "/runs"
    assert "Taken over." in text_of(browser.look("/runs"))
    assert "nothing to take over" in text_of(browser.look("/takeover"))
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/sending")
    assert world.status(run_id) == "running"


def test_a_second_press_of_the_same_form_does_nothing(log_in: LogIn, world: World) -> None:
    browser = log_in("admin")
    browser.look("/takeover")
    for _ in range(2):
        assert browser.press("/takeover", words="take over").location == "/runs"
    assert "sent before" in text_of(browser.look("/runs"))
