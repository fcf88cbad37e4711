"""One result: its place in the list, its mail as it went out or will go, and what happened to it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tests import factories
from tests.world import World
from webapp.access import OPERATOR
from webapp.lifecycle.results import lock_results, transition
from webapp.mailing import parsed_mail
from webapp.messages import sent_mail
from webapp.messages.inputs import load_inputs
from webapp.messages.sent_mail import CannotRebuild, MailView
from webapp.results import actions, detail, history, neighbours
from webapp.results.bulk import BulkSelection
from webapp.results.detail import ResultDetail
from webapp.results.neighbours import POSITION_LIST_MAX, ListPosition, list_position
from webapp.results.queries import Filter
from webapp.store.customers import CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess


def found(world: World, result_id: int) -> ResultDetail:
    with world.runtime.database.reading() as session:
        one = detail.find(session, OPERATOR, result_id)
    assert one is not None
    return one


def gone(world: World, result_id: int, number: int = 1) -> MailView:
    with world.runtime.database.reading() as session:
        one = detail.find(session, OPERATOR, result_id)
        assert one is not None
        mail = sent_mail.as_sent(session, result_id, number, one.line.invoices, world.runtime.documents)
    assert mail is not None
    return mail


def waiting(world: World, result_id: int, redirect_to: str = "") -> MailView:
    with world.runtime.database.reading() as session:
        [work] = load_inputs(session, [result_id])
    runtime = world.runtime
    return sent_mail.as_it_would_be_sent(work, runtime.renderer, runtime.documents, redirect_to)


def sent(world: World, worker: WorkerProcess) -> int:
    """The id of a result that was sent."""
    run_id = world.deliver(worker, bcc=["archive@example.com"])
    [result] = world.results(run_id)
    assert result.status == ResultStatus.SENT
    return result.id


def where(world: World, run_id: int, result_id: int, chosen: Filter) -> ListPosition:
    with world.runtime.database.reading() as session:
        run, result = session.get_one(Run, run_id), session.get_one(Result, result_id)
        return list_position(session, OPERATOR, run, result, chosen)


def test_what_went_out_is_had_again_byte_for_byte(world: World, worker: WorkerProcess) -> None:
    world.add("a@customers.test")
    id = sent(world, worker)
    mail = gone(world, id)
    assert mail.attempt is not None
    assert sent_mail.rebuild_mail(mail, world.runtime.documents) == world.server.taken[0].data
    letter = parsed_mail.read(world.server.taken[0].data)
    assert mail.parsed is not None
    assert (mail.parsed.headers, mail.parsed.html) == (letter.headers, letter.html)
    assert mail.bcc == ("archive@example.com",)
    [carried] = mail.documents
    assert (carried.kind, carried.media_type) == ("Invoice PDF", "application/pdf")
    assert world.runtime.documents.get(carried.sha256) == letter.attachments[0].content


def test_what_was_sent_is_shown_as_it_was_whatever_changed_since(world: World, worker: WorkerProcess) -> None:
    world.add("before@customers.test")
    id = sent(world, worker)
    with world.runtime.database.writing() as session:
        session.execute(update(CustomerEmail).values(address="after@customers.test"))
        session.execute(update(MessageDefinition).values(subject="Changed"))
        new = world.runtime.documents.put(b"%PDF-1.4 another\n")
        session.execute(update(TransformationResult).values(sha256=new, size=17))
    mail = gone(world, id)
    assert mail.parsed is not None
    assert mail.parsed.header("to") == "before@customers.test"
    assert mail.documents[0].kind == "Invoice PDF"  # known by its name
    assert mail.documents[0].sha256 != new
    assert sent_mail.rebuild_mail(mail, world.runtime.documents) == world.server.taken[0].data
    assert found(world, id).changed_since


@pytest.mark.parametrize("harm", ["missing", "kept differs"])
def test_what_is_no_proof_is_said_to_be_none(world: World, worker: WorkerProcess, harm: str) -> None:
    world.add("a@customers.test")
    id = sent(world, worker)
    if harm == "missing":
        world.runtime.documents.remove(gone(world, id).documents[0].sha256)
        words = "document store has no"
    else:
        with world.runtime.database.writing() as session:
            session.execute(update(Attempt).values(sha256="0" * 64))
        words = "SHA-256 differ"
    with pytest.raises(CannotRebuild, match=words):
        sent_mail.rebuild_mail(gone(world, id), world.runtime.documents)
    assert gone(world, id).parsed is not None


def test_a_mail_that_waits_is_shown_as_it_will_go_and_nothing_is_stored(world: World) -> None:
    world.add("a@customers.test", number="INV-7")
    run_id = world.run(bcc=["archive@example.com"])
    [result] = world.results(run_id)
    mail = waiting(world, result.id)
    assert mail.parsed is not None
    assert mail.parsed.header("subject") == "Invoice INV-7"
    assert (mail.attempt, mail.bcc, mail.documents[0].kind) == (None, ("archive@example.com",), "Invoice PDF")
    assert b"INV-7" in sent_mail.rebuild_mail(mail, world.runtime.documents)
    with world.runtime.database.reading() as session:
        assert session.query(Attempt).count() == 0
    redirected = waiting(world, result.id, "rehearsal@example.com")
    assert redirected.parsed is not None
    assert redirected.parsed.header("to") == "rehearsal@example.com"


def test_a_mail_that_cannot_be_made_says_why(world: World) -> None:
    world.add("", number="INV-8")
    [result] = world.results(world.run())
    mail = waiting(world, result.id)
    assert mail.parsed is None
    assert "no address" in mail.trouble
    assert [carried.name for carried in mail.documents] == ["INV-8.pdf"]
    with pytest.raises(CannotRebuild, match="no address"):
        sent_mail.rebuild_mail(mail, world.runtime.documents)


def test_everything_that_happened_is_told_the_last_first(world: World, worker: WorkerProcess) -> None:
    world.add("a@customers.test")
    id = sent(world, worker)
    run_id = found(world, id).run.id
    with world.runtime.database.writing() as session:
        actions.mark_bounced(session, BulkSelection(run_id, result_ids=(id,)), OPERATOR)
    with world.runtime.database.reading() as session:
        told = history.history_of(session, found(world, id))
    assert [happening.words for happening in told] == [
        "Marked as bounced",
        "the mail server took the mail",
        "Run started",
        "Run created",
    ]
    assert told[0].by == OPERATOR.name
    with world.runtime.database.writing() as session:
        session.get_one(Run, run_id).started_by = "a person who sent one again"
    with world.runtime.database.reading() as session:
        started = history.history_of(session, found(world, id))[2]
    assert (started.words, started.by) == ("Run started", OPERATOR.name)
    attempt = told[1].attempt
    assert attempt is not None
    assert attempt.version == "the run’s version"
    assert [said.command for said in attempt.conversation][:4] == [
        *("MAIL FROM", "RCPT TO <a@customers.test>", "RCPT TO <archive@example.com>", "DATA"),
    ]
    assert attempt.conversation[-1].reply.startswith("250")


def test_what_was_done_to_another_result_is_not_told_here(world: World) -> None:
    for _ in range(12):
        world.add()
    run_id = world.run()
    ids = [result.id for result in world.results(run_id)]
    with world.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, result_ids=(ids[10],)), OPERATOR)
    for id in ids:
        with world.runtime.database.reading() as session:
            told = [happening.words for happening in history.history_of(session, found(world, id))]
        assert ("Removed" in told) == (id == ids[10])


@pytest.mark.parametrize("order", ["", "changed", "amount"])
@pytest.mark.parametrize("counted", [POSITION_LIST_MAX, 3])
def test_the_way_to_the_next_is_the_list_itself(
    world: World, order: str, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the list is too long to be read whole, and where neighbours have the same name."""
    monkeypatch.setattr(neighbours, "POSITION_LIST_MAX", counted)
    with world.runtime.database.writing() as session:
        for name in ("Bo", "ada", "Ada", "Ida", "Bo", "Éva"):
            payer = factories.customer(session, world.everybody, name=name)
            of = factories.invoice(session, payer, gross=f"{len(name)}.00")
            factories.document(session, world.runtime.documents, of)
    run_id = world.run()
    everything = {result.id: result for result in world.results(run_id)}
    at = next(id for id in everything if where(world, run_id, id, Filter(order=order)).previous is None)
    walked = [at]
    while following := where(world, run_id, walked[-1], Filter(order=order)).next:
        walked.append(following)
    back = [walked[-1]]
    while previous := where(world, run_id, back[-1], Filter(order=order)).previous:
        back.append(previous)
    assert (len(walked), set(walked), back[::-1]) == (6, set(everything), walked)
    if order == "amount":
        amounts = [everything[id].amount for id in walked]
        assert amounts == sorted(amounts, reverse=True)
    third = where(world, run_id, walked[2], Filter(order=order))
    assert (third.position, third.total) == ((3, 6) if counted == POSITION_LIST_MAX else (None, 6))


def test_one_that_the_filter_does_not_match_any_more_still_has_neighbours(world: World) -> None:
    for number in range(3):
        world.add(number=f"INV-{number}")
    run_id = world.run()
    ids = [result.id for result in sorted(world.results(run_id), key=lambda result: result.sort_name)]
    with world.runtime.database.writing() as session:
        transition(
            session,
            run_id,
            lock_results(session, Result.id == ids[1]),
            ResultStatus.REMOVED,
            values={"removed_from": "ready"},
        )
    for chosen in (Filter(), Filter(status="ready")):
        assert where(world, run_id, ids[1], chosen) == ListPosition(ids[0], ids[2], None, 2), chosen
    assert where(world, run_id, ids[1], Filter(search="customers.test")) == ListPosition(ids[0], ids[2], 2, 3)
    assert where(world, run_id, ids[1], Filter(status="removed")) == ListPosition(None, None, 1, 1)
    assert where(world, run_id, ids[0], Filter(search="INV-0")) == ListPosition(None, None, 1, 1)


@pytest.mark.parametrize("chosen", [Filter(status="bogus"), Filter(reason="bogus")])
def test_a_filter_that_is_not_understood_is_refused(world: World, chosen: Filter) -> None:
    world.add()
    run_id = world.run()
    [result] = world.results(run_id)
    with pytest.raises(ValueError, match="bogus"):
        where(world, run_id, result.id, chosen)
