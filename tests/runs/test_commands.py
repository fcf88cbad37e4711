"""`mailrun runs …` as scripts use it: what it prints, and its exit status."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from tests.world import World
from webapp.cli import main
from webapp.store.definitions import MessageDefinition
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess

Mailrun = Callable[..., Result]


@pytest.fixture
def mailrun(environ: dict[str, str]) -> Mailrun:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environ)

    return run


def chosen(world: World, *more: str) -> list[str]:
    with world.runtime.database.reading() as session:
        name = session.get_one(MessageDefinition, world.definition.id).name
    period = ["--from", "2026-10-01", "--to", "2026-10-31"]
    return ["--definition", name, "--cluster", "all", *period, *more]


def created(world: World, mailrun: Mailrun, *more: str) -> int:
    made = mailrun("runs", "create", *chosen(world, "--json", *more))
    assert made.exit_code == 0, made.output
    run_id: int = json.loads(made.stdout)["id"]
    return run_id


def test_a_run_from_preview_to_results(world: World, mailrun: Mailrun, worker: WorkerProcess) -> None:
    _, invoice = world.add(gross="100.00")
    world.add("")
    seen = json.loads(mailrun("runs", "preview", *chosen(world, "--json")).stdout)
    assert seen == {
        "invoices": 2,
        "ready": 1,
        "skipped": {"no_recipient": 1},
        "overlapping": 0,
        "amounts": {"EUR": "100.00"},
    }
    run_id = str(created(world, mailrun, "--bcc", "archive@example.com"))
    shown = json.loads(mailrun("runs", "show", run_id, "--json").stdout)
    assert list(shown) == [
        "id", "name", "status", "definition", "cluster", "include_children", "period_from", "period_to",
        "bcc", "problem", "counts", "created_at", "started_at", "finished_at", "awaits_approval",
        "start_at", "send_until",
    ]  # fmt: skip
    assert set(shown["counts"]) == {status.value for status in ResultStatus}
    assert (shown["status"], shown["bcc"], shown["problem"]) == ("created", ["archive@example.com"], None)
    assert shown["name"].endswith(", all, 1 to 31 October 2026")
    assert mailrun("runs", "start", run_id).exit_code == 0
    again = mailrun("runs", "start", run_id)
    assert (again.exit_code, again.stdout.strip()) == (0, "This run is already running.")
    world.work(worker, int(run_id))
    assert mailrun("runs", "start", run_id, "--wait").exit_code == 0
    lines = [json.loads(line) for line in mailrun("runs", "results", run_id, "--json").stdout.splitlines()]
    assert list(lines[0]) == [
        "id", "customer", "invoices", "recipients", "status", "reason", "detail", "attempts", "message_id",
        "smtp_reply", "sent_at", "next_try_at", "customer_name", "amounts", "removed_by",
    ]  # fmt: skip
    assert lines[0]["invoices"] == [invoice.number]
    assert lines[0]["amounts"] == {"EUR": "100.00"}
    assert lines[0]["removed_by"] == ""
    assert lines[0]["sent_at"].endswith("+00:00")
    assert [(line["status"], line["reason"]) for line in lines] == [("sent", ""), ("skipped", "no_recipient")]
    assert json.loads(mailrun("runs", "list", "--json").stdout)[0]["status"] == "finished"


def test_a_run_that_starts_later_and_ends(world: World, mailrun: Mailrun) -> None:
    world.add()
    run_id = created(
        world, mailrun, "--start-at", "2099-12-02T07:00", "--do-not-send-after", "2099-12-03T07:00"
    )
    shown = json.loads(mailrun("runs", "show", str(run_id), "--json").stdout)
    assert (shown["status"], shown["start_at"][:10], shown["send_until"][:4]) == (
        "created",
        "2099-12-02",
        "2099",
    )
    assert mailrun("runs", "stop", str(run_id)).stdout.startswith("This run no longer starts by itself.")
    assert mailrun("runs", "stop", str(run_id)).exit_code == 1


def test_waiting_tells_of_what_failed(world: World, mailrun: Mailrun, worker: WorkerProcess) -> None:
    world.add("reject-550.someone@customers.test")
    run_id = created(world, mailrun, "--start")
    world.work(worker, run_id)
    waited = mailrun("runs", "start", str(run_id), "--wait")
    assert waited.exit_code == 1
    assert "1 failed, 0 unconfirmed" in waited.stderr


def test_waiting_has_an_end(world: World, mailrun: Mailrun) -> None:
    world.add()
    run_id = created(world, mailrun, "--start")
    waited = mailrun("runs", "start", str(run_id), "--wait", "--timeout", "0.1")
    assert waited.exit_code == 1
    assert "not finished after 0.1 s" in waited.stderr


def test_one_clear_line_for_what_is_refused(world: World, mailrun: Mailrun) -> None:
    world.add()
    unknown = ["--definition", "?", "--cluster", "all", "--from", "2026-10-01", "--to", "2026-10-31"]
    for arguments in (
        ["runs", "show", "77"],
        ["runs", "start", "77"],
        ["runs", "create", *chosen(world, "--invoice", "NO-SUCH")],
        ["runs", "create", *chosen(world, "--bcc", "a@b, c@d")],
        ["runs", "preview", *unknown],
    ):
        refused = mailrun(*arguments)
        assert refused.exit_code == 1, arguments
        assert len(refused.stderr.strip().splitlines()) == 1
        assert "Traceback" not in refused.output


def test_wrong_usage_is_told_apart(world: World, mailrun: Mailrun) -> None:
    run_id = str(world.run())
    for arguments in (
        ["remove", run_id],
        ["send-again", run_id],
        ["put-back", run_id],
        ["confirm-sent", run_id],
        ["mark-bounced", run_id],
        ["create"],
        ["nonsense"],
    ):
        assert mailrun("runs", *arguments).exit_code == 2
    said = mailrun("runs", "confirm-sent", run_id).stderr
    assert "Name the results: use --result N" in said
    assert "--status" not in said


def test_results_are_changed_and_counted(world: World, mailrun: Mailrun, worker: WorkerProcess) -> None:
    for _ in range(3):
        world.add()
    run_id = str(created(world, mailrun))
    first, second, third = (str(result.id) for result in world.results(int(run_id)))
    assert mailrun("runs", "remove", run_id, "--result", first).stdout == "1 changed\n"
    assert mailrun("runs", "remove", run_id, "--result", first).stdout.splitlines() == [
        "0 changed",
        "1 not changed: already removed",
    ]
    assert mailrun("runs", "put-back", run_id, "--result", first).stdout == "1 changed\n"
    mailrun("runs", "start", run_id)
    world.work(worker, int(run_id))
    asked = mailrun("runs", "send-again", run_id, "--status", "sent").stdout
    assert asked.startswith("0 changed\n3 not changed: sent: confirm")
    sent = mailrun("runs", "send-again", run_id, "--result", second, "--confirm-duplicates")
    assert sent.stdout == "1 changed\n"
    world.work(worker, int(run_id))
    assert len(world.server.taken) == 4
    twice = mailrun("runs", "mark-bounced", run_id, "--result", third, "--result", third)
    assert (twice.stdout, twice.exit_code) == ("1 changed\n", 0)
    assert world.statuses(int(run_id)) == ["sent", "sent", "bounced"]
    assert mailrun("runs", "remove", run_id, "--result", "999").exit_code == 1


@pytest.mark.security("C22")
def test_a_spreadsheet_finds_no_formula(world: World, mailrun: Mailrun) -> None:
    world.add(number="=1+1")
    run_id = str(created(world, mailrun))
    printed = mailrun("runs", "results", run_id, "--csv").stdout
    [row] = csv.DictReader(io.StringIO(printed))
    assert row["invoices"] == "'=1+1"
    assert row["status"] == "ready"
