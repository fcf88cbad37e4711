"""The main job in the pages: make a run, start it, stop it, look at it, change results. Each press once."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from flask import Flask

from tests.http_client import Browser, LogIn, fields, text_of
from tests.world import World
from webapp.extensions import Runtime
from webapp.new_run import generation
from webapp.store.invoices import Invoice
from webapp.store.runs import Run
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


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
    generation.make(world.runtime, run_id)
    return run_id


def test_the_preview_says_who_gets_what_and_who_not_and_why(log_in: LogIn, world: World) -> None:
    world.add(gross="100.10")
    world.add("")
    world.add(documents=False)
    browser = log_in("manager")
    browser.look("/runs/new")
    said = text_of(browser.press("/runs/preview", **fields(world)))
    for words in (
        "3 invoices match",
        "1 will be sent",
        "1 no recipient",
        "1 no attachment",
        "0 already sent",
    ):
        assert words in said
    assert "100.10" in said
    piece = browser.client.get("/runs/preview", query_string=fields(world), headers={"HX-Request": "true"})
    assert "<html" not in piece.text
    assert "will be sent" in piece.text


def test_bad_input_is_told_at_the_field(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/runs/new")
    for given, words in (
        ({"cluster": "nowhere"}, "There is no customer cluster “nowhere”"),
        ({"cluster": "LEF"}, "Did you mean “left”?"),
        ({"period_from": "2026-11-01"}, "The period ends before it begins"),
        ({"period_to": "soon"}, "This is not a date"),
        ({"bcc": "archive@"}, "archive@"),
        ({"definition": "999"}, ""),
    ):
        answer = browser.press("/runs", **fields(world, **given))
        assert answer.status_code == 422, given
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert runs(world) == []


def test_two_presses_of_create_make_one_run(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    fields = shown_preview(browser, world)
    keys = dict(browser.keys)
    first = browser.press("/runs", **fields)
    browser.keys = keys
    second = browser.press("/runs", **fields)
    assert first.location == second.location
    assert len(runs(world)) == 1


def test_a_set_that_changed_since_the_preview_is_asked_about(log_in: LogIn, world: World) -> None:
    _, invoice = world.add()
    world.add()
    browser = log_in("manager")
    fields = shown_preview(browser, world)
    with world.runtime.database.writing() as session:
        session.get_one(Invoice, invoice.id).status = "open"
    answer = browser.press("/runs", start="1", **fields)
    assert answer.status_code == 200
    assert "Create and start" in answer.text
    assert runs(world) == []


def test_a_start_above_the_limit_is_asked_about_once(pages: Flask, log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add()
    parts: Runtime = pages.extensions["mailrun"]
    careful = replace(parts, settings=replace(parts.settings, confirm_above=2))
    pages.extensions["mailrun"] = careful
    browser = log_in("manager")
    asked = browser.press("/runs", start="1", **shown_preview(browser, world))
    assert asked.status_code == 200
    assert "3 mails" in text_of(asked)
    assert runs(world) == []
    run_id = made(browser, world)
    browser.look(f"/runs/{run_id}")
    for seen in ({}, {"asked": "1", "seen": "2"}):  # another has put one back meanwhile
        question = browser.press(f"/runs/{run_id}/sending", **seen)
        assert "Send 3 mails?" in text_of(question)
        assert '<input type="hidden" name="seen" value="3">' in question.text
        assert world.status(run_id) == "created"
    browser.press(f"/runs/{run_id}/sending", asked="1", seen="3")
    assert world.status(run_id) == "running"


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


def test_extra_fields_of_a_form_are_ignored(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    run_id = made(browser, world, status="finished", created_by="somebody", highest_invoice_id="0", id="77")
    [run] = runs(world)
    assert (run.id, run.status, run.created_by) == (run_id, "created", "manager@example.com")


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
            following = re.search(r'<a class="btn small" rel="next" id="turn-next" href="([^"]+)"', page)
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
    keys = dict(browser.keys)
    for _ in range(2):
        browser.keys = dict(keys)
        browser.press(f"/runs/{run_id}/results/send-again", id=str(result.id), asked="1", confirmed="1")
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
    assert "The mail server took this mail" not in page
    assert "marked as sent by" in text_of(browser.look(f"/runs/{run_id}"))
    browser.press(f"/runs/{run_id}/results/mark-bounced", only=str(result.id))
    assert world.statuses(run_id) == ["bounced"]
    assert "marked as bounced by" in text_of(browser.look(f"/runs/{run_id}"))


def test_what_a_mail_server_took_is_told_apart(log_in: LogIn, world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.deliver(worker)
    [result] = world.results(run_id)
    browser = log_in("manager")
    assert "The mail server took this mail" in text_of(browser.look(f"/results/{result.id}"))
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
    generation.make(world.runtime, runs(world)[0].id)
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
