"""A copy of a database, used with another secret key, mails no one until an administrator takes it over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.results.staged import lead
from tests.runtimes import open_runtime
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.cli import main
from webapp.delivery import drain
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.new_run import creation, generation
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.runs import report, takeover
from webapp.store import installation
from webapp.store.installation import Installation
from webapp.store.runs import Result as MessageResult
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, Role
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


def bind(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        installation.bind(session)


@pytest.fixture
def elsewhere(world: World) -> Runtime:
    """The same database as another installation sees it: bound to the first one's key."""
    bind(world.runtime)
    return open_runtime(replace(world.runtime.settings, secret_key="another"))


def as_seen_by(runtime: Runtime, world: World) -> World:
    return replace(world, runtime=runtime)


def take_over(runtime: Runtime, typed: str = "take over", viewer: Viewer = OPERATOR) -> str:
    with runtime.database.writing() as session:
        return takeover.take_over(session, viewer, typed)


def is_held(runtime: Runtime) -> bool:
    with runtime.database.reading() as session:
        return installation.held(session) is not None


def test_the_first_installation_binds_it_and_no_other_after(world: World) -> None:
    other = open_runtime(replace(world.runtime.settings, secret_key="another"))
    assert not is_held(world.runtime)
    assert not is_held(other)
    bind(world.runtime)
    bind(other)
    assert (is_held(world.runtime), is_held(other)) == (False, True)
    with world.runtime.database.reading() as session:
        row = session.scalars(select(Installation)).one()
    assert len(row.id) == 32
    assert world.runtime.settings.secret_key not in (row.id, row.key_check)


def test_a_worker_with_another_key_claims_and_sends_nothing(world: World, elsewhere: Runtime) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    stranger = WorkerProcess(elsewhere.database)
    as_seen_by(elsewhere, world).work(stranger, run_id, rounds=3)
    assert (world.statuses(run_id), world.status(run_id)) == (["ready"], "running")
    with world.runtime.database.reading() as session:
        assert session.scalars(select(MessageResult.worker_id)).all() == [None]
    assert world.server.taken == []
    own = WorkerProcess(world.runtime.database)
    world.work(own, run_id)
    assert world.statuses(run_id) == ["sent"]


def test_e16_a_running_run_of_a_copy_names_the_strange_key_and_its_open_mails_are_in_doubt(
    world: World, elsewhere: Runtime
) -> None:
    world.add()
    run_id = world.run(start=True)
    lead(world, run_id, ResultStatus.SENDING)
    there = as_seen_by(elsewhere, world)
    with pytest.raises(Refused, match="another secret key"):
        there.start(run_id)
    take_over(elsewhere)
    assert (world.status(run_id), world.statuses(run_id)) == ("stopped", ["unconfirmed"])


def test_nothing_can_be_started_with_another_key(world: World, elsewhere: Runtime) -> None:
    world.add("reject-550.a@customers.test")
    there = as_seen_by(elsewhere, world)
    run_id = world.run()
    with pytest.raises(Refused, match="another secret key"):
        there.start(run_id)
    with pytest.raises(Refused, match="another secret key"):
        there.run(start=True)
    assert world.status(run_id) == "created"
    world.start(run_id)
    world.work(WorkerProcess(world.runtime.database), run_id)
    assert (world.status(run_id), world.statuses(run_id)) == ("finished", ["failed"])
    with pytest.raises(Refused, match="another secret key"), elsewhere.database.writing() as session:
        resend.send_again(
            session, elsewhere.queue, BulkSelection(run_id, status="failed"), OPERATOR, confirmed=True
        )
    assert (world.status(run_id), world.statuses(run_id)) == ("finished", ["failed"])


def test_a_run_that_was_to_start_by_itself_does_not(world: World, elsewhere: Runtime) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        made = creation.create(
            session, world.runtime.queue, creation.RunRequest(world.choice(), start=True), OPERATOR
        )
    generation.generate(elsewhere, made.id)
    assert world.status(made.id) == "created"


def test_the_problem_of_every_run_says_so(world: World, elsewhere: Runtime) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    for runtime, told in ((world.runtime, False), (elsewhere, True)):
        with runtime.database.reading() as session:
            problem = report.show(session, session.get_one(Run, run_id))["problem"] or ""
            assert ("another secret key" in problem) == told


def test_taking_over_stops_what_runs_and_changes_the_owner(world: World, elsewhere: Runtime) -> None:
    for _ in range(2):
        world.add()
    running, created = world.run(), world.run()
    world.start(running)
    with world.runtime.database.writing() as session:
        half_made = creation.create(
            session, world.runtime.queue, creation.RunRequest(world.choice(), start=True), OPERATOR
        ).id
        before = session.scalars(select(Installation)).one().id
    assert take_over(elsewhere) == "Taken over. One running run was stopped."
    assert [world.status(id) for id in (running, created, half_made)] == ["stopped", "created", "creating"]
    assert (is_held(world.runtime), is_held(elsewhere)) == (True, False)
    generation.generate(elsewhere, half_made)
    assert world.status(half_made) == "created"
    with elsewhere.database.reading() as session:
        problem = report.problem(session, session.get_one(Run, running)) or ""
        assert "taken over with another secret key" in problem
        audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "take over")).all()
        assert [(entry.actor, entry.detail) for entry in audited] == [
            ("command line", "1 running runs stopped")
        ]
        row = session.scalars(select(Installation)).one()
        assert row.id != before
        assert row.taken_over_at is not None
    there = as_seen_by(elsewhere, world)
    assert there.start(running) == "Started."
    there.work(WorkerProcess(elsewhere.database), running)
    assert there.statuses(running) == ["sent", "sent"]
    with elsewhere.database.reading() as session:
        assert report.problem(session, session.get_one(Run, running)) is None


@pytest.mark.parametrize("typed", ["", "yes", "takeover", "take over it"])
def test_only_the_words_take_it_over(elsewhere: Runtime, typed: str) -> None:
    with pytest.raises(Refused, match="Type “take over” to confirm"):
        take_over(elsewhere, typed)
    assert is_held(elsewhere)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_only_an_administrator_takes_it_over(elsewhere: Runtime, role: Role) -> None:
    with pytest.raises(Refused, match="administrator"):
        take_over(elsewhere, viewer=Viewer("viewer", role))
    assert is_held(elsewhere)


def test_taking_over_what_is_ones_own_does_nothing(world: World) -> None:
    world.add()
    bind(world.runtime)
    run_id = world.run()
    world.start(run_id)
    assert "nothing to take over" in take_over(world.runtime, " Take  Over ")
    assert world.status(run_id) == "running"


def test_the_worker_of_before_sends_nothing_once_it_is_taken_over(world: World, elsewhere: Runtime) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    take_over(elsewhere)
    as_seen_by(elsewhere, world).start(run_id)
    drain.drain(world.runtime, WorkerProcess(world.runtime.database), run_id)
    assert world.statuses(run_id) == ["ready"]


Mailrun = Callable[..., Result]


@pytest.fixture
def mailrun(environ: dict[str, str]) -> Mailrun:
    def run(*arguments: str, key: str = "another", typed: str = "") -> Result:
        long_enough = {"MAILRUN_SECRET_KEY": f"{key:.<32}"}
        return CliRunner().invoke(main, arguments, env={**environ, **long_enough}, input=typed)

    return run


def test_the_commands_say_so_and_take_it_over(world: World, elsewhere: Runtime, mailrun: Mailrun) -> None:
    world.add()
    run_id = str(world.run())
    started = mailrun("runs", "start", run_id)
    assert started.exit_code == 1
    assert "another secret key" in started.stderr
    shown = json.loads(mailrun("runs", "show", run_id, "--json").stdout)
    assert "another secret key" in shown["problem"]
    assert "another secret key" in mailrun("runs", "list").stdout
    doctor = mailrun("doctor")
    assert "WRONG  secret key: this database was made with another secret key" in doctor.output
    refused = mailrun("takeover", typed="no\n")
    assert refused.exit_code == 1
    assert "customers would get mails twice" in refused.output
    assert "Nothing was taken over" in refused.stderr
    assert mailrun("takeover", "--words", "yes").exit_code == 1
    taken = mailrun("takeover", "--words", "take over")
    assert (taken.exit_code, taken.output) == (0, "Taken over. No run was running.\n")
    again = mailrun("takeover")
    assert (again.exit_code, "nothing to take over" in again.output) == (0, True)
    assert mailrun("runs", "start", run_id).exit_code == 0


def test_init_binds_a_new_database(world: World, mailrun: Mailrun) -> None:
    assert mailrun("init", key="the first").exit_code == 0
    assert mailrun("init", key="the second").exit_code == 0
    assert "ok     secret key" in mailrun("doctor", key="the first").output
    assert "WRONG  secret key" in mailrun("doctor", key="the second").output
