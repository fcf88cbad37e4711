"""F8: the secret key is changed, lost or wrong. What is stored is sealed again while mails go out; and
without its password no document leaves."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pikepdf
import pytest
from alembic import command
from click.testing import CliRunner

from tests.faults.spawn import Nursery
from tests.imports import folders
from tests.imports.test_folder import load
from tests.launch.test_doctor import findings
from tests.mailserver import MailServer
from tests.runtimes import open_runtime
from tests.store.secrets_in import dump, password_of
from tests.world import World, make_world
from webapp import migrations, sealing
from webapp.access import OPERATOR
from webapp.cli import main
from webapp.config import Settings
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.imports import storing
from webapp.imports.problems import ImportRefused
from webapp.runs import takeover
from webapp.sealed import keys_of
from webapp.sealing import rotate
from webapp.store import installation
from webapp.store.customers import Customer
from webapp.store.installation import CHANGED
from webapp.workers import WorkerProcess

OLD, NEW = "the-key-before-" + "o" * 30, "the-key-of-today-" + "n" * 30


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, secret_key=OLD)


@pytest.fixture
def world(runtime: Runtime, server: MailServer) -> World:
    made = make_world(runtime, server, password_key="pin")
    with runtime.database.writing() as session:
        installation.bind(session)
    return made


def with_keys(runtime: Runtime, newest: str, *former: str) -> Runtime:
    """The same installation, as a process with these keys has it."""
    settings = replace(runtime.settings, secret_key=newest, former_keys=former)
    return replace(open_runtime(settings), renderer=runtime.renderer)


def add(world: World, n: int) -> dict[str, str]:
    """Customers whose documents have a password each, sealed; address → password."""
    passwords = {}
    for number in range(n):
        address, pin = f"c{number}@customers.test", f"geheim-{number:04}"
        customer, _ = world.add(address)
        with world.runtime.database.writing() as session:
            row = session.get_one(Customer, customer.id)
            row.extra = {"pin": keys_of(session).seal(row.code, "pin", pin)}
            installation.note_key(session, keys_of(session).newest)
        passwords[address] = pin
    return passwords


def opened(server: MailServer, address: str, password: str) -> int:
    """How many mails the address got; each must open with this password, and not without."""
    mails = server.mails_to(address)
    for taken in mails:
        [document] = message_from_bytes(taken.data, policy=policy.default).iter_attachments()
        content = document.get_content()
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(content))
        pikepdf.open(io.BytesIO(content), password=password).close()
    return len(mails)


def test_f8_the_key_is_changed_and_changed_back_while_a_worker_sends(
    world: World, environ: dict[str, str], nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every PDF opens with its own password, each mail goes out once, and nothing is left of the old key."""
    monkeypatch.setattr(sealing, "SEALED_BATCH", 5)
    world.server.delay = 0.5
    passwords = add(world, 24)
    run_id = world.run()
    world.start(run_id)
    to, back = with_keys(world.runtime, NEW, OLD), with_keys(world.runtime, OLD, NEW)
    process = nursery.worker({**environ, "MAILRUN_SECRET_KEY": NEW, "MAILRUN_SECRET_KEY_OLD": OLD})
    sent_at = set()
    end = time.monotonic() + 60
    try:
        while world.status(run_id) != "finished" and time.monotonic() < end:
            for one in (to, back, to):
                assert rotate(one.database, "a test").unreadable == 0
                sent_at.add(world.statuses(run_id).count("sent"))
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(30)
    assert set(world.statuses(run_id)) == {"sent"}
    assert len(sent_at) > 2  # it sent while the key was changed
    arrived = {address: opened(world.server, address, pin) for address, pin in passwords.items()}
    assert arrived == dict.fromkeys(passwords, 1)
    rotate(to.database, "a test")
    assert rotate(to.database, "a test").sealed == 0
    today = with_keys(world.runtime, NEW)
    stored = [password_of(today, result.customer_id) for result in world.results(run_id)]
    assert stored == [*passwords.values()]
    with today.database.reading() as session:
        assert sealing.missing_keys(session) == 0


def test_f8_a_changed_key_holds_everything_until_it_is_rotated(world: World) -> None:
    add(world, 1)
    run_id = world.run()
    world.start(run_id)
    after = with_keys(world.runtime, NEW, OLD)
    replace(world, runtime=after).work(WorkerProcess(after.database), run_id, rounds=2)
    assert world.statuses(run_id) == ["ready"]
    with after.database.reading() as session:
        assert installation.held(session) == CHANGED
    found = findings(after)["secret key"]
    assert (found.well, "mailrun secrets rotate" in found.words) == (False, True)
    wrong = with_keys(world.runtime, "some other key " * 3)
    with pytest.raises(Refused, match="MAILRUN_SECRET_KEY_OLD"):
        rotate(wrong.database, "a test")
    rotate(after.database, "a test")
    assert findings(after)["secret key"].well
    before = WorkerProcess(world.runtime.database)
    world.work(before, run_id, rounds=2)  # a process that still has the key before alone
    assert world.statuses(run_id) == ["ready"]
    replace(world, runtime=after).work(WorkerProcess(after.database), run_id)
    assert world.statuses(run_id) == ["sent"]


def test_f8_without_the_former_key_mails_wait_and_say_so_and_go_out_once_it_is_there(world: World) -> None:
    [(address, pin)] = add(world, 1).items()
    run_id = world.run()
    copy = with_keys(world.runtime, NEW)
    with copy.database.writing() as session:
        takeover.take_over(session, OPERATOR, "take over")
    of_copy = replace(world, runtime=copy)
    of_copy.start(run_id)
    of_copy.work(WorkerProcess(copy.database), run_id, rounds=3)
    [result] = world.results(run_id)
    assert (result.status, result.attempts, world.server.mails_to(address)) == ("ready", 0, [])
    assert "password in “pin” cannot be read" in result.detail
    assert "MAILRUN_SECRET_KEY_OLD" in result.detail
    assert result.next_try_at is not None
    assert not findings(copy)["secret key"].well
    done = rotate(copy.database, "a test")
    assert (done.sealed, done.unreadable, len(done.customers)) == (0, 1, 1)
    complete = with_keys(world.runtime, NEW, OLD)
    assert rotate(complete.database, "a test").sealed == 1
    assert findings(with_keys(world.runtime, NEW))["secret key"].well
    replace(world, runtime=copy).work(WorkerProcess(copy.database), run_id)
    assert (world.statuses(run_id), opened(world.server, address, pin)) == (["sent"], 1)


def test_f8_an_import_that_began_before_the_key_was_changed_stores_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = with_keys(world.runtime, NEW, OLD)
    said = "code,name,cluster,language,metadata.pin\nN1,New,all,de,geheim-neu\n"
    folder = folders.write(tmp_path / "in", {"customers.csv": said})
    compared = storing.compare

    def then_the_key_is_changed(*args: object) -> object:
        rotate(after.database, "a test")
        return compared(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("webapp.imports.folder.compare", then_the_key_is_changed)
        with pytest.raises(ImportRefused) as refusal:
            load(world.runtime, folder)
    assert "the secret key was changed" in str(refusal.value.errors)
    with pytest.raises(ImportRefused) as refusal:
        load(world.runtime, folder)
    assert "another secret key" in str(refusal.value.errors)
    assert load(after, folder).changed_anything


@pytest.fixture
def of_yesterday(world: World, worker: WorkerProcess) -> tuple[World, int, int]:
    """A database of the schema before, with passwords in plain text and a run that has sent one of its
    mails."""
    ids = []
    for number in range(3):
        customer, _ = world.add(f"c{number}@customers.test")
        with world.runtime.database.writing() as session:
            fields = {"pin": f"geheim-{number}", "town": "Rom"}
            session.get_one(Customer, customer.id).extra = fields
        ids.append(customer.id)
    run_id = world.run()
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0019")
    return world, run_id, ids[0]


def test_f8_an_upgrade_seals_what_is_there_and_the_run_goes_on(
    of_yesterday: tuple[World, int, int], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run_id, first = of_yesterday
    for name, value in {**environ, "MAILRUN_SECRET_KEY": OLD}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sealing, "SEALED_BATCH", 2)
    cut = iter([False, True])  # interrupted after one batch
    migrations.upgrade(world.runtime.database)
    sealing.seal_plain(world.runtime.database, lambda: next(cut, True))
    assert sealing.is_due(world.runtime.database)
    said = CliRunner().invoke(main, ["init"])
    assert (said.exit_code, "Encrypted 1 password of documents." in said.output) == (0, True), said.output
    assert "Encrypted" not in CliRunner().invoke(main, ["init"]).output
    assert not sealing.is_due(world.runtime.database)
    assert "geheim-" not in dump(world.runtime)
    assert password_of(world.runtime, first) == "geheim-0"
    with world.runtime.database.reading() as session:
        assert session.get_one(Customer, first).extra["town"] == "Rom"
    world.start(run_id)
    world.work(WorkerProcess(world.runtime.database), run_id)
    assert world.statuses(run_id) == ["sent"] * 3
    assert [opened(world.server, f"c{n}@customers.test", f"geheim-{n}") for n in range(3)] == [1, 1, 1]


def test_f8_the_command_says_what_it_did(
    world: World, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(world, 2)
    for name, value in {**environ, "MAILRUN_SECRET_KEY": NEW}.items():
        monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(main, ["secrets", "rotate"])
    assert (refused.exit_code, "MAILRUN_SECRET_KEY_OLD" in refused.output) == (1, True)
    monkeypatch.setenv("MAILRUN_SECRET_KEY_OLD", f"something-else, {OLD}")
    first, second = (CliRunner().invoke(main, ["secrets", "rotate"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert "Encrypted 2 passwords with the present secret key." in first.output
    assert "Nothing to do" in second.output
    assert "geheim" not in first.output + dump(world.runtime)
