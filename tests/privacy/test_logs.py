"""Logs hold no personal data: by the form of every call, and over whole deliveries that fail."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select, update

from tests.http_client import LogIn
from tests.world import World
from webapp import ROOT, found_by, logs
from webapp.launch.output import LinePrinter
from webapp.privacy import upkeep
from webapp.store.customers import Customer
from webapp.store.runs import Run
from webapp.workers import WorkerProcess

NAME, ADDRESS = "Zebulon Quagmire", "zebulon@quagmire.example"
MARKS = ("zebulon", "quagmire")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What this process logs, as JSON."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in logs.OURS}
    logs.set_up("json", stream)
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(capture=False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in ("webapp", "jobs"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    of = node.func.value
                    is_log = isinstance(of, ast.Name) and of.id in ("log", "_UNHANDLED")
                    if is_log and node.func.attr in LEVELS:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_call_has_constant_words_and_ids() -> None:
    found = list(calls())
    assert len(found) > 25
    wrong = [
        place
        for place, call in found
        if len(call.args) != 1
        or not isinstance(call.args[0], ast.Constant)
        or "%" in str(call.args[0].value)
        or {each.arg for each in call.keywords} - {"extra", "exc_info"}
    ]
    assert wrong == []


def test_no_one_logs_or_prints_otherwise() -> None:
    """Loggers are made by modules under the name `log`; nothing prints a stack."""
    others = []
    for folder in ("webapp", "jobs"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            made = text.count("logging.getLogger(") - text.count("log = logging.getLogger(")
            if path.name != "logs.py" and (made or "print_exc" in text or "app.logger" in text):
                others.append(str(path.relative_to(ROOT)))
    assert others == []


def test_a_record_says_ids_and_never_what_an_error_quotes(written: io.StringIO, world: World) -> None:
    log = logging.getLogger("webapp.test")
    payer, _ = world.add(ADDRESS)
    try:
        with world.runtime.database.writing() as session:
            taken = {"code": payer.code, "name": NAME, "cluster_id": world.everybody.id}
            session.execute(insert(Customer).values(**taken))
    except Exception as error:
        log.warning("cannot store", extra=logs.ids(customer=payer.id, error=error, name=NAME, to=ADDRESS))
        log.exception("failed", extra=logs.ids(run=7))
    logging.getLogger("waitress").warning("serving %s", f"/search?q={NAME}")
    logging.getLogger("rq.worker").error(f"job for {NAME}")
    said = [json.loads(line) for line in written.getvalue().splitlines()]
    first, second, third, fourth = (
        each for each in said if each["logger"] in ("webapp.test", "waitress", "rq.worker")
    )
    assert (first["event"], first["customer"]) == ("cannot store", payer.id)
    assert (first["name"], first["to"]) == ("…", "…")
    assert first["error"].startswith("IntegrityError:")
    assert (second["event"], second["run"], bool(second["trace"])) == ("failed", 7, True)
    assert third["event"] == fourth["event"] == "library message"
    assert {"time", "level", "logger"} <= first.keys()
    assert first["time"].endswith("Z")
    assert not any(mark in written.getvalue().lower() for mark in (*MARKS, payer.code.lower()))


def test_what_ends_a_thread_is_told_without_its_message(written: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(NAME)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    [line] = map(json.loads, written.getvalue().splitlines())
    assert (line["event"], line["error"], line["level"]) == (
        "unhandled error in a thread", "ValueError", "CRITICAL",
    )  # fmt: skip


def test_a_delivery_with_failures_leaves_no_name_in_any_log(
    written: io.StringIO,
    world: World,
    worker: WorkerProcess,
    log_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Refused, deferred, broken, not to be built, documents lost; then the pages, with an error in one."""
    for n, order in enumerate(("reject-550", "reject-450", "cut-ack", "data-554", "")):
        address = f"{n}.{ADDRESS}"
        payer, _ = world.add(address)
        world.server.orders[address] = order
        with world.runtime.database.writing() as session:
            session.execute(update(Customer).where(Customer.id == payer.id).values(name=f"{NAME} {n}"))
            found_by.index_customers(session, select(Customer.id))

    def broken(*_: object) -> None:
        raise RuntimeError(f"cannot build for {NAME} <{ADDRESS}>")

    run_id = world.deliver(worker)
    with monkeypatch.context() as patch:
        patch.setattr("webapp.delivery.built_mails.render_and_build", broken, raising=False)
        patch.setattr("webapp.delivery.built_mails.build", broken, raising=False)
        world.add(f"9.{ADDRESS}")
        other = world.run(resend_already_sent=True)
        world.start(other)
        world.work(worker, other)
    browser = log_in()
    browser.look(f"/search?q={NAME}")
    browser.look(f"/runs/{run_id}/results?q=zebulon")
    with monkeypatch.context() as patch:
        patch.setattr("webapp.customers.list_pages.queries.listing", broken)
        assert browser.look(f"/customers?search={NAME}").status_code == 500
    assert upkeep.is_due(world.runtime) is False
    with world.runtime.database.reading() as session:
        assert session.get_one(Run, run_id).started_at is not None
    said = written.getvalue()
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert {"a mail cannot be built", "a request failed"} <= set(events)
    out, err = capfd.readouterr()
    for text in (said, out, err):
        assert not any(mark in text.lower() for mark in MARKS)


def test_the_supervisor_passes_on_events_and_no_text_of_others(capfd: pytest.CaptureFixture[str]) -> None:
    printer = LinePrinter("json")
    printer.say("Stopped.")
    printer.pass_on("web", logs.as_json("at work", "INFO", "jobs.worker", worker=3))
    printer.pass_on("worker 1", f"ValueError: {NAME}")
    printer.pass_on("worker 1", json.dumps({"said": NAME}))
    own, event, *texts = map(json.loads, capfd.readouterr().out.splitlines())
    assert (own["event"], own["words"]) == ("notice", "Stopped.")
    assert (event["event"], event["process"], event["worker"]) == ("at work", "web", 3)
    for text in texts:
        assert (text["event"], text["process"]) == ("output of a process", "worker 1")
        assert NAME not in str(text)


def test_plain_is_one_line_with_the_places_below() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.SafeFormatter("plain"))
    log = logging.Logger("webapp.test")
    log.addHandler(handler)
    log.warning("cannot sweep", extra=logs.ids(run=3, error=OSError(28, NAME)))
    assert stream.getvalue() == "WARNING webapp.test: cannot sweep run=3 error=OSError:28\n"
