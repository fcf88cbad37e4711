"""Who is told of what: once, in the transaction of the event, and only of what they see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.notices.conftest import JONAS, MARIT, Office
from tests.world import World
from webapp import telling
from webapp.access import OPERATOR
from webapp.lifecycle import approvals, approving, runs
from webapp.store.definitions import MessageDefinition
from webapp.store.mailservers import Sender
from webapp.store.notices import Notice, NoticeKind, NoticeWay
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.store.users import User, UserCluster
from webapp.workers import WorkerProcess

FINISHED = NoticeKind.RUN_FINISHED


def test_the_person_who_started_a_run_is_told_its_numbers_once(office: Office, worker: WorkerProcess) -> None:
    world = office.world
    world.add("fine@customers.test")
    world.add("reject-550.bad@customers.test")
    world.add("", documents=True)
    office.person(MARIT)
    run_id = world.run()
    office.start(run_id)
    world.work(worker, run_id)
    [notice] = office.notices()
    assert (notice.kind, notice.run_id, notice.mail) == ("run_finished", run_id, "waiting")
    numbers = {name: notice.details[name] for name in ("sent", "failed", "skipped", "to_fix")}
    assert numbers == {"sent": 1, "failed": 1, "skipped": 1, "to_fix": 2}
    with world.runtime.database.writing() as session:
        assert runs.finish_if_done(session, run_id) is False
    assert len(office.notices()) == 1


def test_an_event_that_is_rolled_back_was_not_told(office: Office) -> None:
    run_id = office.world.run()

    def begin_and_break() -> None:
        with office.world.runtime.database.writing() as session:
            runs.start(session, office.world.runtime.queue, run_id, office.viewer(JONAS))
            assert session.scalar(select(Notice.id)) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begin_and_break()
    assert office.notices() == []


def test_the_same_event_is_told_once_however_often_it_is_said(office: Office) -> None:
    jonas = office.person("again@office.test")
    for _n in range(2):
        with office.world.runtime.database.writing() as session:
            telling.tell(session, NoticeKind.CONNECTION, "mailbox 1", [jonas], {"what": "mailbox"})
    assert len(office.notices()) == 1


def test_who_wants_it_is_told_of_every_run_that_they_see_and_of_no_other(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", office.world.everybody)
        apart = factories.cluster(session, "apart")
    everywhere = office.person("all@office.test", "viewer")
    above = office.person("above@office.test", "manager", office.world.everybody)
    below = office.person("below@office.test", "manager", left)
    beside = office.person("beside@office.test", "manager", apart)
    for user in (everywhere, above, below, beside):
        office.want(user, FINISHED, NoticeWay.AT_ONCE, of_all=True)
    office.finished()
    told = {each.user_id for each in office.notices()}
    with office.world.runtime.database.reading() as session:
        names = set(session.scalars(select(User.email).where(User.id.in_(told))))
    assert names == {JONAS, "all@office.test", "above@office.test"}


def test_a_manager_who_is_bound_elsewhere_meanwhile_is_not_mailed_and_sees_nothing(office: Office) -> None:
    office.finished()
    with office.world.runtime.database.writing() as session:
        apart = factories.cluster(session, "apart")
        jonas = session.scalars(select(User).where(User.email == JONAS)).one()
        session.add(UserCluster(user_id=jonas.id, cluster_id=apart.id))
    office.work()
    assert office.told() == [("run_finished", "dropped")]
    assert office.mails() == []


def test_ways_of_being_told(office: Office) -> None:
    ways = {way: office.person(f"{way}@office.test") for way in NoticeWay}
    for way, user in ways.items():
        office.want(user, FINISHED, way, of_all=True)
    office.finished()
    assert office.told("at_once@office.test") == [("run_finished", "waiting")]
    assert office.told("digest@office.test") == [("run_finished", "collected")]
    assert office.told("bell@office.test") == [("run_finished", "none")]
    assert office.told("off@office.test") == []


def test_a_run_that_stops_itself_says_why(office: Office, world: World, worker: WorkerProcess) -> None:
    for n in range(60):
        world.add(f"reject-550.n{n}@customers.test")
    run_id = world.run()
    office.start(run_id)
    world.work(worker, run_id)
    assert world.status(run_id) == "stopped"
    [notice] = office.notices()
    assert (notice.kind, notice.run_id) == ("run_stopped", run_id)
    assert notice.details["why"].startswith("It stopped itself: the mail server refused ")


def test_a_run_that_waits_longer_than_the_minutes_is_told_of_once_a_wait(office: Office) -> None:
    office.world.add()
    run_id = office.world.run()
    office.start(run_id)
    long_ago = now() - timedelta(hours=2)
    with office.world.runtime.database.writing() as session:
        session.execute(update(Run).values(started_at=long_ago))
    office.trouble("connection refused", now() - timedelta(minutes=14))
    office.work()
    assert office.told() == []
    office.trouble("connection refused", now() - timedelta(minutes=16))
    office.work()
    office.work()
    [notice] = office.notices()
    assert (notice.kind, notice.run_id) == ("run_waits", run_id)
    assert notice.details["trouble"] == "connection refused"
    office.trouble(None, None)
    office.work()
    office.trouble("it hangs", now() - timedelta(minutes=15))
    office.work()
    assert [each.details["trouble"] for each in office.notices()] == ["connection refused", "it hangs"]


def test_a_run_that_has_just_begun_does_not_wait_long_though_its_server_does(office: Office) -> None:
    office.world.add()
    office.start(office.world.run())
    office.trouble("connection refused", now() - timedelta(hours=5))
    office.work()
    assert office.told() == []


def test_an_approval_is_asked_of_those_who_can_give_it_and_its_end_is_told(office: Office) -> None:
    office.person(MARIT, "viewer", may_approve=True)
    office.person("disabled@office.test", "viewer", may_approve=True, disabled_at=now())
    with office.world.runtime.database.writing() as session:
        apart = factories.cluster(session, "apart")
        session.execute(update(User).where(User.email == JONAS).values(may_approve=True))
        session.execute(update(MessageDefinition).values(needs_approval=True))
    office.person("beside@office.test", "manager", apart, may_approve=True)
    office.world.add()
    run_id = office.world.run()
    office.start(run_id)
    assert office.told(JONAS) == []
    assert office.told("disabled@office.test") == office.told("beside@office.test") == []
    [wanted] = office.notices(MARIT)
    assert (wanted.kind, wanted.details["by"], wanted.details["mails"]) == ("approval_wanted", JONAS, 1)
    with office.world.runtime.database.writing() as session:
        approving.reject(session, run_id, office.viewer(MARIT), "No price list.")
    [decided] = office.notices(JONAS)
    assert (decided.kind, decided.details["decision"]) == ("approval_decided", "rejected")
    assert decided.details["reason"] == "No price list."
    office.work()
    assert office.told(MARIT) == [("approval_wanted", "dropped")]
    assert [mail[0] for mail in office.mails()] == [(JONAS,)]


def test_an_approval_is_told_to_who_asked(office: Office) -> None:
    office.person(MARIT, "viewer", may_approve=True)
    with office.world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(needs_approval=True))
    office.world.add()
    run_id = office.world.run()
    office.start(run_id)
    office.start(run_id)
    with office.world.runtime.database.writing() as session:
        asked = approvals.latest(session, run_id)
        assert asked is not None
        approving.approve(session, office.world.runtime.queue, run_id, office.viewer(MARIT), asked.digest)
    assert [(each.kind, each.details["decision"]) for each in office.notices(JONAS)] == [
        ("approval_decided", "approved")
    ]
    assert len(office.notices(MARIT)) == 1


def test_trouble_of_a_connection_is_told_to_administrators_who_see_everything(office: Office) -> None:
    office.person("admin@office.test", "admin")
    office.person("bound@office.test", "admin", office.world.everybody)
    since = now()
    for _sweep in range(3):
        with office.world.runtime.database.writing() as session:
            words = "no route to host"
            telling.connection_trouble(session, "mailbox", "Bounces", words, since, "/mailboxes/3")
    assert office.told("admin@office.test") == [("connection", "waiting")]
    assert len(office.notices()) == 1


def test_the_command_line_is_told_nothing(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        runs.start(session, office.world.runtime.queue, office.world.run(), OPERATOR)
    assert office.notices() == []


def test_without_a_sender_there_is_the_bell_alone(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        session.execute(update(Sender).values(for_notices=False))
    office.finished()
    assert office.told() == [("run_finished", "none")]
