"""The main job in the pages: make a run, start it, stop it, look at it, change results. Each press once."""

from __future__ import annotations

import re
import threading

import pytest
from flask import Flask

from tests.http_client import Browser, LogIn, text_of
from tests.runs.dialog import made, runs, shown_preview
from tests.world import World
from webapp.new_run import generation
from webapp.store.types import now
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


def test_start_and_stop_and_again(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    run_id = made(browser, world)
    assert world.status(run_id) == "created"
    for url, status, words in (
        (f"/runs/{run_id}/sending", "running", "Started."),
        (f"/runs/{run_id}/sending", "running", "This run is already running."),
        (f"/runs/{run_id}/sending/stop", "stopped", "Stopped."),
        (f"/runs/{run_id}/sending/stop", "stopped", "This run is already stopped."),
        (f"/runs/{run_id}/sending", "running", "Started."),
    ):
        browser.look(f"/runs/{run_id}")
        assert browser.press(url).status_code == 303
        assert world.status(run_id) == status
        assert words in text_of(browser.look(f"/runs/{run_id}"))
    browser.look(f"/runs/{run_id}")
    led = browser.press(f"/runs/{run_id}/sending/stop", htmx=True)
    assert led.headers["HX-Trigger"] == "changed"
    assert "Stopped." in text_of(led)


@pytest.mark.security("C24")
def test_twenty_presses_of_start_from_twenty_browsers(pages: Flask, log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    run_id = made(browser, world)
    cookie = browser.client.get_cookie("mailrun")
    assert cookie is not None
    answers: list[int] = []

    def press() -> None:
        other = Browser(pages.test_client())
        other.client.set_cookie("mailrun", cookie.value)
        other.look(f"/runs/{run_id}")
        answers.append(other.press(f"/runs/{run_id}/sending").status_code)

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 20
    with world.runtime.database.reading() as session:
        assert session.query(AuditEntry).filter_by(action="start").count() == 1


def test_the_runs_page_numbers_are_those_of_the_rows(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add()
    world.add("reject-550.someone@customers.test")
    world.add("")
    run_id = world.run()
    browser = log_in("viewer")
    assert f'hx-get="/runs/{run_id}/live' not in browser.look(f"/runs/{run_id}").text
    world.start(run_id)
    assert f'hx-get="/runs/{run_id}/live' in browser.look(f"/runs/{run_id}").text
    world.work(worker, run_id)
    page = browser.look(f"/runs/{run_id}")
    said = text_of(page)
    for words in (
        "Sent 1",
        "Failed 1",
        "Skipped 1",
        "1 no recipient",
        "Ready 0",
        "Unconfirmed 0",
        "Finished",
    ):
        assert words in said
    assert f'hx-get="/runs/{run_id}/live' not in page.text  # over: nothing is polled any more
    live = browser.look(f"/runs/{run_id}/live", htmx=True)
    assert 'id="n-sent"' in live.text
    assert live.headers["HX-Trigger"] == "changed"  # the page looks at the end once, as a whole
    assert live.text.count("<input") == live.text.count('<input type="hidden" id="since"')  # no control


def test_all_pages_together_show_each_result_once(log_in: LogIn, world: World) -> None:
    for _ in range(120):
        world.add(documents=False)
    run_id = world.run()
    browser = log_in("manager")
    for order in ("", "changed", "amount"):
        seen: list[str] = []
        url = f"/runs/{run_id}?sort={order}"
        while url:
            page = browser.look(url).text
            seen += re.findall(r'aria-label="Select ([^"]+)"', page)
            following = re.search(r'<a class="btn small" rel="next" id="turn-next"\s+href="([^"]+)"', page)
            url = following[1].replace("&amp;", "&") if following else ""
        seen = [number for number in seen if number.startswith("INV")]
        assert len(seen) == len(set(seen)) == 120, order


@pytest.mark.parametrize(
    "edge",
    [*(f"sort=amount&after=5~{amount}" for amount in ("NaN", "Infinity", "1e40", "1.23456", "9" * 15, "x")),
     *(f"sort=changed&after=5~{at}" for at in ("0001-01-01T00:00:00%2B14:00", "2026-01-01", "x"))],
)  # fmt: skip
def test_an_edge_that_no_page_has_is_not_found(log_in: LogIn, world: World, edge: str) -> None:
    world.add()
    assert log_in("manager").look(f"/runs/{world.run()}?{edge}").status_code == 404


def test_remove_some_undo_and_put_one_back(log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add()
    run_id = world.run()
    ids = [str(result.id) for result in world.results(run_id)]
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/remove", id=ids)
    assert world.statuses(run_id) == ["removed"] * 3
    page = browser.look(f"/runs/{run_id}")
    assert "3 results removed." in text_of(page)
    assert "Undo" in text_of(page)
    browser.press(f"/runs/{run_id}/results/put-back", id=[ids[1]])
    assert world.statuses(run_id) == ["removed", "ready", "removed"]


def test_remove_of_everything_asks_first(log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add()
    run_id = world.run()
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    asked = browser.press(f"/runs/{run_id}/results/remove", all="1", status="ready")
    assert asked.status_code == 200
    assert world.statuses(run_id) == ["ready"] * 3
    browser.press(f"/runs/{run_id}/results/remove", all="1", status="ready", asked="1")
    assert world.statuses(run_id) == ["removed"] * 3


def test_send_again_of_a_sent_one_asks_and_sends_one_more(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add()
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    asked = browser.press(f"/runs/{run_id}/results/send-again", only=str(result.id))
    assert "twice" in text_of(asked)
    browser.press(f"/runs/{run_id}/results/send-again", only=str(result.id), asked="1")
    assert world.statuses(run_id) == ["sent"]  # the box was not ticked
    browser.look(f"/runs/{run_id}")
    keys, yes = dict(browser.keys), {"asked": "1", "confirmed": "1", "as_of": now().isoformat()}
    for _ in range(2):
        browser.keys = dict(keys)
        browser.press(f"/runs/{run_id}/results/send-again", id=str(result.id), **yes)
        world.work(worker, run_id)
    assert len(world.server.taken) == 2
    page = text_of(browser.look(f"/results/{result.id}"))
    assert "250" in page


def test_an_unconfirmed_one_is_decided_by_a_person(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add("cut-ack.someone@customers.test")
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    browser = log_in("manager")
    assert "may have been sent" in text_of(browser.look(f"/runs/{run_id}"))
    browser.press(f"/runs/{run_id}/results/mark-sent", only=str(result.id))
    assert world.statuses(run_id) == ["sent"]
    page = text_of(browser.look(f"/results/{result.id}"))
    assert "A person marked this mail as sent. The mail server’s answer is not known." in page
    assert "The mail server accepted this mail" not in page
    assert "marked as sent by" in text_of(browser.look(f"/runs/{run_id}"))
    browser.press(f"/runs/{run_id}/results/mark-bounced", only=str(result.id))
    assert world.statuses(run_id) == ["bounced"]
    assert "marked as bounced by" in text_of(browser.look(f"/runs/{run_id}"))


def test_what_a_mail_server_took_is_told_apart(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    browser = log_in("manager")
    assert "The mail server accepted this mail" in text_of(browser.look(f"/results/{result.id}"))
    browser.press(f"/runs/{run_id}/results/mark-bounced", only=str(result.id))
    page = text_of(browser.look(f"/runs/{run_id}"))
    assert "marked as bounced by" in page
    assert "250" not in page


def test_the_table_comes_by_itself_once_the_list_is_made(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    answer = browser.press("/runs", **shown_preview(browser, world))
    page = browser.look(answer.location)
    assert "Making the list" in text_of(page) or "being made" in text_of(page)
    assert "live?made=0" in page.text
    url = f"{answer.location}/live?made=0"
    assert "HX-Trigger" not in browser.look(url, htmx=True).headers
    generation.generate(world.runtime, runs(world)[0].id)
    assert browser.look(url, htmx=True).headers["HX-Trigger"] == "changed"
    assert "live" not in browser.look(answer.location).text.split("poller")[1].split("</div>")[0]


def test_a_server_in_trouble_is_said_on_the_page(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add()
    world.server.stop()
    run_id = world.run()
    world.start(run_id)
    world.work(worker, run_id, rounds=1)
    said = text_of(log_in("viewer").look(f"/runs/{run_id}"))
    assert "waiting for mail server 127.0.0.1: connection refused" in said.lower().replace(
        "waiting", "waiting"
    )
    assert "Running" in said
