"""One group commit for the connections of a drain: a round is one commit, and each entry holds or fails by
itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from tests.world import World
from webapp.access import OPERATOR
from webapp.delivery import attempts, claims, group_commit
from webapp.delivery.attempts import AttemptEnd, AttemptStart, ClaimLost, ClaimRef, StartedAttempt
from webapp.delivery.group_commit import GroupCommit
from webapp.delivery.settlement import AttemptOutcome
from webapp.messages.inputs import load_inputs
from webapp.results.actions import remove
from webapp.results.bulk import BulkSelection
from webapp.smtp.event_loop import EventLoop
from webapp.store.engine_events import WriteConnection
from webapp.store.mailservers import MailServer
from webapp.store.prepared import BulkInsert, BulkUpdate
from webapp.store.runs import Attempt, Reservation, Run
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.types import now
from webapp.workers import WorkerProcess

ACCEPTED = AttemptOutcome(Outcome.ACCEPTED, ResultStatus.SENT, "dot", 250, "250 ok")


@pytest.fixture
def claimed(world: World, worker: WorkerProcess) -> list[AttemptStart]:
    """Three messages, claimed and made."""
    for _ in range(3):
        world.add()
    run_id = world.run()
    world.start(run_id)
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        works = load_inputs(session, claim.result_ids)
    return [world.attempt_start(work, ClaimRef(worker.id, claim.token, 1)) for work in works]


def book_of(world: World, worker: WorkerProcess, run_id: int) -> GroupCommit:
    return GroupCommit(world.runtime, worker, run_id, EventLoop(), connections=0)


def in_one_round(book: GroupCommit, entries: list[AttemptStart]) -> list[Any]:
    """The answer to each connection's start, when all come at about the same time."""
    answers: list[Any] = [None] * len(entries)

    def connection(n: int) -> None:
        with book.working():
            book.event_loop.wait_until(lambda: book.at_work == len(entries))
            try:
                answers[n] = book.start(entries[n])
            except ClaimLost as why:
                answers[n] = why

    book.event_loop.run(*[partial(connection, n) for n in range(len(entries))])
    assert not book.event_loop.errors
    return answers


def test_marks_of_all_connections_and_earlier_250s_are_one_commit(
    world: World, worker: WorkerProcess, claimed: list[AttemptStart], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[tuple[int, int]] = []

    def counting(connection: Any, settings: Any, run_id: int, attempt_start: Any, to_settle: Any) -> Any:
        rounds.append((len(attempt_start), len(to_settle)))
        return attempts.commit_round(connection, settings, run_id, attempt_start, to_settle)

    monkeypatch.setattr(group_commit, "commit_round", counting)
    monkeypatch.setattr(group_commit, "ROUND_SECONDS", 5.0)
    book = book_of(world, worker, claimed[0].inputs.run_id)
    first = book.start(claimed[0])
    book.settle(AttemptEnd(claimed[0].inputs, claimed[0].claim, ACCEPTED, first))
    answers = in_one_round(book, claimed[1:])
    assert all(isinstance(answer, StartedAttempt) for answer in answers)
    assert rounds == [(1, 0), (2, 1)]
    assert world.statuses(book.run_id) == ["sent", "sending", "sending"]


def test_one_mark_that_does_not_hold_costs_the_others_nothing(
    world: World, worker: WorkerProcess, claimed: list[AttemptStart]
) -> None:
    run_id = claimed[0].inputs.run_id
    with world.runtime.database.writing() as session:
        remove(session, BulkSelection(run_id, (claimed[1].inputs.result_id,)), OPERATOR)
    answers = in_one_round(book_of(world, worker, run_id), claimed)
    assert [type(answer) for answer in answers] == [StartedAttempt, ClaimLost, StartedAttempt]
    assert world.statuses(run_id) == ["sending", "removed", "sending"]
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Reservation)) == 2
        assert session.scalar(select(func.count()).select_from(Attempt)) == 2


def test_a_round_that_cannot_be_written_marks_nothing_and_loses_no_250(
    world: World, worker: WorkerProcess, claimed: list[AttemptStart], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit's answer is lost once: marks are taken back, the earlier 250 is written all the same."""
    book = book_of(world, worker, claimed[0].inputs.run_id)
    first = book.start(claimed[0])
    book.settle(AttemptEnd(claimed[0].inputs, claimed[0].claim, ACCEPTED, first))
    real, failed = WriteConnection.writing, list[bool]()

    @contextmanager
    def losing_one_answer(own: WriteConnection) -> Iterator[Connection]:
        with real(own) as connection:
            yield connection
        if not failed:
            failed.append(True)
            raise OperationalError("COMMIT", {}, Exception("the connection was lost"))

    monkeypatch.setattr(WriteConnection, "writing", losing_one_answer)
    answers = in_one_round(book, claimed[1:])
    book.flush()
    assert [type(answer) for answer in answers] == [ClaimLost, ClaimLost]
    assert world.statuses(book.run_id) == ["sent", "ready", "ready"]
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Reservation)) == 1


def test_what_became_of_a_message_is_written_though_no_mark_comes(
    world: World, worker: WorkerProcess, claimed: list[AttemptStart]
) -> None:
    book = book_of(world, worker, claimed[0].inputs.run_id)
    book.settle(AttemptEnd(claimed[0].inputs, claimed[0].claim, ACCEPTED, book.start(claimed[0])))
    book.connections = 1

    def look() -> None:
        with book.connection():
            assert book.event_loop.wait_until(lambda: world.statuses(book.run_id)[0] == "sent", 1)

    book.event_loop.run(book.flush_periodically, look)
    assert not book.event_loop.errors


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("rebuild_data", b"\x00\xff\\x41'\""),
        ("rebuild_data", b""),
        ("rebuild_data", None),
        ("recipients", ["é\u2028\U0001f600", 'a "b" \\ c', ""]),
        ("transcript", [[0.001, "DATA  354 go ahead"], [1.5, "."]]),
        ("refused", {}),
        ("refused", {"a@x.test": "550 'no' \\ such"}),
        ("code", None),
        ("code", 250),
        ("reply", "250 %s \\n {}, \t ünï"),
        ("ended_at", datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))),
        ("outcome", Outcome.ACCEPTED),
    ],
)
def test_every_kind_of_value_comes_back_as_it_was_given(world: World, column: str, value: object) -> None:
    world.add()
    run_id = world.run()
    [result] = world.results(run_id)
    with world.runtime.database.reading() as session:
        version_id = session.get_one(Run, run_id).version_id
        server_id = session.scalars(select(MailServer.id)).one()
    attempt = {
        "run_id": run_id,
        "result_id": result.id,
        "number": 1,
        "mail_server_id": server_id,
        "version_id": version_id,
        "started_at": now(),
        "outcome": "sending",
        "recipients": [],
        "bcc": [],
        "refused": {},
        "transcript": [],
        "stage": "",
        "reply": "",
        "queue_id": "",
        "detail": "",
        "message_id": "",
        "redirected_to": "",
        "sha256": "",
        "size": 0,
    }
    inserted, updated = {**attempt, column: value}, {**attempt, "outcome": "accepted"}
    with world.runtime.database.writing() as session:
        BulkInsert(Attempt, tuple(inserted)).run(session.connection(), [inserted])
        adding = BulkInsert(Attempt, tuple(updated), lambda inserting: inserting.returning(Attempt.id))
        [(id,)] = adding.run(session.connection(), [updated])
        BulkUpdate(Attempt, (column,)).run(session.connection(), [{column: value, "by_id": id}])
    with world.runtime.database.reading() as session:
        assert session.scalars(select(getattr(Attempt, column))).all() == [value, value]
