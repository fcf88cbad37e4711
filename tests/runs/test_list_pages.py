"""The start page, the list of runs with its filters, and old runs out of the way."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable

import pytest

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.access import OPERATOR
from webapp.results import actions, bulk
from webapp.results.bulk import BulkSelection
from webapp.workers import WorkerProcess


def test_a_new_installation_says_what_a_run_is(log_in: LogIn, world: World) -> None:
    for url in ("/", "/runs"):
        said = text_of(log_in("manager").look(url)) if url == "/" else text_of(log_in("admin").look(url))
        assert "No runs yet" in said
        assert "Nothing is sent until you press Start." in said


def test_the_start_page_has_the_cards_and_the_runs_that_need_a_person(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add("reject-550.one@ok.test")
    world.add("two@ok.test")
    world.add("")
    run_id = world.deliver(worker)
    page = log_in("viewer").look("/")
    said = text_of(page)
    for words in (
        "1 so far today, 1 in 14 days",
        "Mailbox not available (550)",
        "Failed for a bad address Look at this",
        "1 failed",
    ):
        assert words in said, words
    assert f'href="/runs/{run_id}?status=failed"' in page.text
    assert 'href="/runs?problem=failed"' in page.text


def test_every_filter_is_a_link_and_narrows_the_list(log_in: LogIn, world: World) -> None:
    world.add()
    first, second = world.run(), world.run(start=True)
    browser = log_in("manager")

    def shown(query: str, *, htmx: bool = False) -> list[int]:
        return [
            int(id) for id in re.findall(r'id="run(\d+)"', browser.look(f"/runs?{query}", htmx=htmx).text)
        ]

    assert shown("") == [second, first]
    assert shown("state=running") == [second]
    assert shown("state=running", htmx=True) == [second]
    assert shown(f"definition={world.definition.id}&q=all") == [second, first]
    assert shown("problem=failed") == []
    assert shown("q=unknown") == []
    for forged in ("state=nonsense", "problem=nonsense", "after=x"):
        assert browser.look(f"/runs?{forged}").status_code == 404


def test_a_piece_brings_the_chips_along_and_the_page_itself_does_not(log_in: LogIn, world: World) -> None:
    world.add()
    world.run()
    browser = log_in("manager")
    piece = browser.look("/runs?state=created", htmx=True).text
    assert "<html" not in piece
    assert 'id="chips" hx-swap-oob' in piece
    whole = browser.client.get(
        "/runs", headers={"HX-Request": "true", "HX-Request-Type": "full"}
    ).text  # as htmx asks when it takes the page back from the history
    assert "<html" in whole
    assert "hx-swap-oob" not in whole


def test_archive_and_back_from_the_list(log_in: LogIn, world: World) -> None:
    run_id = world.run()
    browser = log_in("manager")
    browser.look("/runs")
    answer = browser.press(f"/runs/{run_id}/archive", htmx=True)
    assert answer.headers["HX-Trigger"] == "changed"
    assert "Archived 1" in text_of(browser.look("/runs"))
    assert f'id="run{run_id}"' not in browser.look("/runs").text
    assert "Unarchive" in text_of(browser.look("/runs?state=archived"))
    browser.press(f"/runs/{run_id}/archive/undo")
    assert f'id="run{run_id}"' in browser.look("/runs").text


def test_a_running_run_is_not_archived_and_says_why(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run(start=True)
    browser = log_in("manager")
    browser.look("/runs")
    browser.press(f"/runs/{run_id}/archive")
    assert "Stop it first" in text_of(browser.look("/runs"))


def test_the_list_tells_how_far_runs_are_and_stops_asking(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run(start=True)
    browser = log_in("viewer")
    assert f"/runs/live?runs={run_id}" in browser.look("/runs").text
    live = browser.look(f"/runs/live?runs={run_id}-999", htmx=True).text
    assert f'id="run-prog-{run_id}"' in live
    assert "poller" not in live
    world.stop(run_id)
    live = browser.look(f"/runs/live?runs={run_id}", htmx=True).text
    assert "stopped by command line" in live
    assert 'id="poller"' in live
    assert "/runs/live" not in browser.look("/runs").text


@pytest.mark.security("C22")
def test_the_report_has_a_line_for_each_result_and_is_harmless(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    for address in ("reject-550.one@ok.test", "two@ok.test", ""):
        world.add(address)
    run_id = world.deliver(worker)
    answer = log_in("viewer").look(f"/runs/{run_id}/report.csv")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=mailrun-run-{run_id}.csv"
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert [row["status"] for row in rows] == ["failed", "sent", "skipped"]
    assert rows[2]["reason"] == "no_recipient"
    assert rows[0]["smtp_reply"].startswith("550")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    browser = log_in("manager")
    for query, statuses in (
        ("status=failed", ["failed"]),
        ("reason=no_recipient", ["skipped"]),
        ("q=TWO@", ["sent"]),
    ):
        narrowed = browser.look(f"/runs/{run_id}/report.csv?{query}").text
        assert [row["status"] for row in csv.DictReader(narrowed.splitlines())] == statuses
    assert browser.look(f"/runs/{run_id}/report.csv?status=nonsense").status_code == 404
    with world.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, status="failed"), OPERATOR)
    for query, lines in (("q=reject-550", 1), ("q=reject-550&status=removed", 1), ("", 3)):
        if query:
            assert f"Download these {lines} (CSV)" in text_of(browser.look(f"/runs/{run_id}?{query}"))
        assert len(browser.look(f"/runs/{run_id}/report.csv?{query}").text.splitlines()) == lines + 1
    assert log_in("manager", "left").look(f"/runs/{run_id}/report.csv").status_code == 404


def test_the_report_says_who_removed_and_what_it_amounts_to(log_in: LogIn, world: World) -> None:
    for _ in range(3):
        world.add(gross="-12.50")
    run_id = world.run()
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/remove", id=str(world.results(run_id)[0].id))
    rows = list(csv.DictReader(browser.look(f"/runs/{run_id}/report.csv").text.splitlines()))
    assert [row["removed_by"] for row in rows] == ["manager@example.com", "", ""]
    assert {row["amounts"] for row in rows} == {"EUR -12.50"}
    assert all(row["customer_name"].startswith("Customer ") for row in rows)
    answer = browser.look(f"/runs/{run_id}/report.xlsx?status=ready")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=mailrun-run-{run_id}-ready.xlsx"
    sheet = zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/worksheets/sheet1.xml").decode()
    assert (sheet.count("<row "), sheet.count("<v>-12.5</v>")) == (3, 2)
    assert "amount EUR" in sheet


def test_who_removed_very_many_is_read_from_the_run(
    log_in: LogIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AUDITED_IDS_MAX", 1)
    for _ in range(2):
        world.add()
    run_id = world.run()
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/results/remove", id=[str(result.id) for result in world.results(run_id)])
    rows = list(csv.DictReader(browser.look(f"/runs/{run_id}/report.csv").text.splitlines()))
    assert [row["removed_by"] for row in rows] == ["manager@example.com"] * 2


def test_the_runs_are_saved_as_they_are_filtered(log_in: LogIn, world: World) -> None:
    world.add()
    world.add("")
    first, second = world.run(), world.run(start=True)
    browser = log_in("viewer")
    lines = list(csv.DictReader(io.StringIO(browser.look("/runs.csv").get_data().decode("utf-8-sig"))))
    assert [(line["id"], line["status"], line["ready"], line["skipped"]) for line in lines] == [
        (str(second), "running", "1", "1"),
        (str(first), "created", "1", "1"),
    ]
    running = browser.look("/runs.csv?state=running").get_data().decode("utf-8-sig")
    assert len(running.splitlines()) == 2
    book = browser.look("/runs.xlsx").get_data()
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    assert browser.look("/runs.csv?state=nonsense").status_code == 404


def test_selected_runs_are_archived_at_once_and_all_that_match_after_a_question(
    log_in: LogIn, world: World
) -> None:
    world.add()
    created, other, running = world.run(), world.run(), world.run(start=True)
    browser = log_in("manager")
    browser.look("/runs")
    browser.press("/runs/archive", id=[str(created), str(running)])
    said = text_of(browser.look("/runs"))
    assert "1 run archived. 1 not: a run that is still active stays." in said
    question = browser.press("/runs/archive", all="1", seen="2")
    assert "Archive 2 runs?" in text_of(question)
    browser.press("/runs/archive", all="1", seen="2", asked="1")
    shown = re.findall(r'id="run(\d+)"', browser.look("/runs").text)
    assert shown == [str(running)]
    browser.press("/runs/archive/undo", all="1", seen="2", asked="1", state="archived")
    assert set(re.findall(r'id="run(\d+)"', browser.look("/runs").text)) == {
        str(id) for id in (created, other, running)
    }


def test_a_run_seen_in_part_is_not_archived_by_the_list(
    log_in: LogIn, world: World, in_cluster: Callable[[str], int]
) -> None:
    in_cluster("left")
    run_id = world.run()
    browser = log_in("manager", "left")
    browser.look("/runs")
    browser.press("/runs/archive", id=str(run_id))
    assert f'id="run{run_id}"' in browser.look("/runs").text
    browser.press("/runs/archive")
    assert "No run is selected" in text_of(browser.look("/runs"))
