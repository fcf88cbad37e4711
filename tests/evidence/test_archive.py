"""A run's evidence: every result and attempt, and the mails byte for byte as the mail server took them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from tests import factories
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.cli import main
from webapp.evidence import archive as evidence_of_runs
from webapp.evidence.archive import evidence
from webapp.lifecycle import runs
from webapp.mailing.compose import Document, MailDraft, compose
from webapp.results import export
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import Outcome, Role
from webapp.store.types import now
from webapp.workers import WorkerProcess


def opened(world: World, run_id: int, viewer: Viewer = OPERATOR) -> ZipFile:
    with world.runtime.database.reading() as session:
        run = runs.run(session, viewer, run_id)
    assert run is not None
    pieces = evidence(world.runtime.database, world.runtime.documents, viewer, run)
    return ZipFile(io.BytesIO(b"".join(pieces)))


def rows(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))


def mails(archive: ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.startswith("mails/")]


def test_it_has_every_result_every_attempt_and_every_mail(
    world: World, worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_of_runs, "ARCHIVE_BATCH", 3)
    monkeypatch.setattr(export, "EXPORT_BATCH", 3)
    world.add("first@customers.test")
    world.add("greylist-1.second@customers.test")
    world.add("reject-550.third@customers.test")
    world.add("")
    run_id = world.deliver(worker, bcc=["archive@example.com"])
    with world.runtime.database.writing() as session:
        session.get_one(Run, run_id).name = "October\n\x1b[2Jsent: 12,000"
    archive = opened(world, run_id)
    assert archive.testzip() is None
    results = rows(archive, "results.csv")
    assert [row["status"] for row in results] == ["sent", "sent", "failed", "skipped"]
    assert results[3]["reason"] == "no_recipient"
    attempts = rows(archive, "attempts.csv")
    assert [row["outcome"] for row in attempts] == ["accepted", "deferred", "accepted", "refused"]
    first = attempts[0]
    assert (first["recipients"], first["bcc"]) == ("first@customers.test", "archive@example.com")
    assert first["mail_server"] == f"127.0.0.1:{world.server.port}"
    assert first["worker"] == worker.name
    assert first["started_at"].endswith("+00:00")
    assert attempts[3]["code"] == "550"
    taken = [message.data for message in world.server.taken]
    assert len(taken) == 2
    assert sorted(archive.read(name) for name in mails(archive)) == sorted(taken)
    for row in attempts:
        if row["mail"]:
            content = archive.read(row["mail"])
            assert row["sha256"] == hashlib.sha256(content).hexdigest()
            assert row["size"] == str(len(content))
    archive.extractall(tmp_path)
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.count("OK")) == (0, 6)
    readme = archive.read("README.txt").decode()
    assert "\x1b" not in readme  # F9: the run's name has one
    assert f"What became of run {run_id}" in readme
    assert "1 skipped" in readme
    assert rows(archive, "problems.csv") == []


def test_a_mail_that_cannot_be_had_is_told_and_the_others_are_there(
    world: World, worker: WorkerProcess
) -> None:
    lost = world.add("a@customers.test")[1]
    for name in ("b", "c", "d"):
        world.add(f"{name}@customers.test")
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        digest = session.scalars(
            select(TransformationResult.sha256).where(TransformationResult.invoice_id == lost.id)
        ).one()
        ids = session.scalars(select(Attempt.id).order_by(Attempt.result_id)).all()
        session.execute(
            update(Attempt)
            .where(Attempt.id == ids[1])
            .values(rebuild_data=None, rebuild_data_deleted_at=now())
        )
        session.execute(update(Attempt).where(Attempt.id == ids[2]).values(rebuild_data=b"damaged"))
    world.runtime.documents.remove(digest)
    archive = opened(world, run_id)
    problems = [row["problem"] for row in rows(archive, "problems.csv")]
    assert len(problems) == 3
    assert digest in problems[0]
    assert "was kept until" in problems[1]
    assert "damaged" in problems[2]
    assert [archive.read(name) for name in mails(archive)] == [
        taken.data for taken in world.server.taken if "d@customers.test" in taken.recipients
    ]
    kept_until = [row["mail_kept_until"] for row in rows(archive, "attempts.csv")]
    assert [bool(moment) for moment in kept_until] == [False, True, False, False]


@pytest.mark.security("C22")
def test_what_a_spreadsheet_would_run_is_defused(world: World, worker: WorkerProcess) -> None:
    world.add("evil@customers.test")
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.execute(update(Attempt).values(reply="=HYPERLINK(1)", refused={"+a@b.test": "@no"}))
        session.execute(update(Result).values(detail="-1+1", smtp_reply="@SUM(1)"))
    archive = opened(world, run_id)
    [attempt] = rows(archive, "attempts.csv")
    assert (attempt["reply"], attempt["refused"]) == ("'=HYPERLINK(1)", "'+a@b.test: @no")
    [result] = rows(archive, "results.csv")
    assert (result["detail"], result["smtp_reply"]) == ("'-1+1", "'@SUM(1)")


@pytest.mark.security("C2")
def test_a_viewer_bound_to_a_cluster_gets_its_mails_only(world: World, worker: WorkerProcess) -> None:
    """The run is over a cluster that he sees; one of its customers has been moved out of it since."""
    with world.runtime.database.writing() as session:
        home = factories.cluster(session, "home")
        away = factories.cluster(session, "away")
    here = replace_home(world, home).add("his@customers.test")[0]
    moved = replace_home(world, home).add("moved@customers.test")[0]
    run_id = replace_home(world, home).run()
    world.start(run_id)
    world.work(worker, run_id)
    with world.runtime.database.writing() as session:
        session.execute(update(Customer).where(Customer.id == moved.id).values(cluster_id=away.id))
    viewer = Viewer("viewer", Role.VIEWER, frozenset({home.id}))
    archive = opened(world, run_id, viewer)
    assert [row["customer"] for row in rows(archive, "results.csv")] == [here.code]
    assert [row["recipients"] for row in rows(archive, "attempts.csv")] == ["his@customers.test"]
    assert len(mails(archive)) == 1
    assert "some clusters only" in archive.read("README.txt").decode()


def replace_home(world: World, home: Cluster) -> World:
    return World(world.runtime, world.server, home, world.definition)


def test_a_number_that_was_used_twice_gives_two_files(world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        first = session.scalars(select(Attempt)).one()
        columns = {column.name: getattr(first, column.name) for column in Attempt.__table__.columns}
        again = session.scalar(insert(Attempt).values({**columns, "id": 99}).returning(Attempt.id))
    archive = opened(world, run_id)
    result = rows(archive, "results.csv")[0]["id"]
    assert mails(archive) == [f"mails/{result}-1.eml", f"mails/{result}-1-{again}.eml"]


MANY = 5_000
DOCUMENT = 64_000


def with_many(world: World) -> int:
    """A run with many results, each with an attempt whose mail is 87 KB; the run's id."""
    content = os.urandom(DOCUMENT)
    digest = world.runtime.documents.put(content)
    numbers = range(MANY)
    with world.runtime.database.writing() as session:
        first = date(2026, 10, 1)
        definition = session.get_one(MessageDefinition, world.definition.id)
        server_id = definition.sender.mail_server_id
        home = world.everybody.id
        session.execute(
            insert(Customer),
            [{"id": n + 1, "code": f"M{n}", "name": f"Many {n}", "cluster_id": home} for n in numbers],
        )
        amounts = dict.fromkeys(("net_amount", "tax_amount", "gross_amount"), Decimal(1))
        days = {"period_start": first, "period_end": first, "issue_date": first}
        session.execute(
            insert(Invoice),
            [
                {
                    "id": n + 1,
                    "number": f"M{n}",
                    "customer_id": n + 1,
                    "status": "approved",
                    "currency": "EUR",
                }
                | days
                | amounts
                for n in numbers
            ],
        )
    run_id = world.run()
    to = (("c@d.test", ""),)
    letter = MailDraft(("a@b.test", ""), "", to, "s", "t", None, "<1@b.test>", now(), frozenset({1}))
    mail = compose(letter, [Document(1, "i.pdf", "application/pdf", digest, content)])
    with world.runtime.database.writing() as session:
        version = session.get_one(Run, run_id).version_id
        common = {"run_id": run_id, "number": 1, "version_id": version, "outcome": Outcome.ACCEPTED}
        common |= {"mail_server_id": server_id, "started_at": now()}
        common |= {"size": len(mail.data), "sha256": mail.sha256, "rebuild_data": mail.rebuild_data}
        ids = session.scalars(select(Result.id).where(Result.run_id == run_id)).all()
        assert len(ids) == MANY
        session.execute(insert(Attempt), [{**common, "result_id": id} for id in ids])
    return run_id


@pytest.mark.parametrize("engine", ["sqlite"])
def test_many_mails_stream_in_bounded_memory(world: World) -> None:
    run_id = with_many(world)
    with world.runtime.database.reading() as session:
        run = runs.run(session, OPERATOR, run_id)
    assert run is not None
    written, most = 0, 0
    tracemalloc.start()
    try:
        for piece in evidence(world.runtime.database, world.runtime.documents, OPERATOR, run):
            written += len(piece)
            most = max(most, len(piece))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written > MANY * DOCUMENT * 4 / 3
    assert most < 1_000_000
    assert peak < 16_000_000


def test_the_command_writes_it_to_a_new_file(
    world: World, worker: WorkerProcess, environ: dict[str, str], tmp_path: Path
) -> None:
    world.add()
    run_id = world.deliver(worker)
    output = tmp_path / "evidence.zip"

    def call(id: int, to: Path) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["runs", "evidence", str(id), "--output", str(to)], env=environ)
        return done.exit_code, done.stderr

    assert call(run_id, output) == (0, "")
    assert mails(ZipFile(output)) == [f"mails/{world.results(run_id)[0].id}-1.eml"]
    assert call(run_id, output) == (1, f"mailrun: {output} exists already.\n")
    assert call(999, tmp_path / "other.zip") == (1, "mailrun: There is no run 999.\n")
    code, words = call(run_id, tmp_path / "nowhere" / "evidence.zip")
    assert (code, "cannot be written: No such file" in words) == (1, True)
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["evidence.zip"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_download_that_is_broken_off_is_no_whole_zip(world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.deliver(worker)
    with world.runtime.database.reading() as session:
        run = runs.run(session, OPERATOR, run_id)
    assert run is not None
    pieces = list(evidence(world.runtime.database, world.runtime.documents, OPERATOR, run))
    with pytest.raises(BadZipFile):
        ZipFile(io.BytesIO(b"".join(pieces[:-1])))
