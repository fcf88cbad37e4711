"""The lists behind the preview's numbers: as many as the number says, page by page, and why each is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests import factories
from tests.customers.conftest import index_all
from tests.world import World
from webapp import keyset
from webapp.access import OPERATOR, Viewer
from webapp.definitions.versions import content_of
from webapp.keyset import Edge
from webapp.new_run import preview_lists, preview_search
from webapp.new_run.preview import Preview, preview
from webapp.new_run.preview_lists import LISTS, Beside, Listed
from webapp.new_run.preview_notes import add_notes
from webapp.selection.invoices import Selection
from webapp.store.customers import CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.statuses import Role
from webapp.workers import WorkerProcess


def seen(world: World, **fields: object) -> Preview:
    with world.runtime.database.reading() as session:
        return preview(session, world.choice(**fields), OPERATOR)


def listed(
    world: World,
    show: str,
    viewer: Viewer = OPERATOR,
    size: int = keyset.PAGE_SIZE,
    search: str = "",
    **fields: object,
) -> list[Listed]:
    """The whole list, page by page."""
    choice = world.choice(**fields)
    found: list[Listed] = []
    edge: Edge | None = None
    with world.runtime.database.reading() as session:
        content = content_of(session, session.get_one(MessageDefinition, choice.definition_id))
        while True:
            page = preview_lists.listed(session, viewer, choice, content, show, edge, size, search)
            add_notes(session, choice.definition_id, content, show, page.rows)
            found += page.rows
            if not page.next:
                return found
            id, _, value = page.next.partition("~")
            edge = Edge(int(id), value, backwards=False)


def beside(world: World, choice: Selection, ready: int) -> Beside:
    with world.runtime.database.reading() as session:
        content = content_of(session, session.get_one(MessageDefinition, choice.definition_id))
        return preview_lists.beside(session, OPERATOR, choice, content, ready)


def every_kind(world: World) -> None:
    """Two invoices to send, one for every reason to skip but `already_sent`, one that overlaps."""
    world.add("a@customers.test", "b@customers.test")
    world.add()
    world.add(status="open")
    world.add("")
    world.add(documents=False)
    world.add(period=(date(2026, 9, 20), date(2026, 10, 5)))
    with world.runtime.database.writing() as session:
        gone = factories.customer(session, world.everybody, suspended=True)
        factories.invoice(session, gone)


def test_every_list_has_as_many_as_its_number_says(world: World, worker: WorkerProcess) -> None:
    _, sent = world.add()
    world.deliver(worker)
    every_kind(world)
    preview = seen(world)
    numbers = {**preview.skipped, "ready": preview.ready, "overlapping": preview.overlapping}
    assert numbers == {
        "suspended": 1,
        "not_approved": 1,
        "no_recipient": 1,
        "no_attachment": 1,
        "already_sent": 1,
        "no_password": 0,
        "unlockable": 0,
        "suspect_document": 0,
        "ready": 2,
        "overlapping": 1,
    }
    numbers["skipped"] = sum(preview.skipped.values())
    assert {show: len(listed(world, show)) for show in LISTS} == {
        **numbers,
        "mailed_before": 0,
        "bounced_before": 0,
    }
    assert {show: preview.of_list(show) for show in LISTS} == {
        **numbers,
        "mailed_before": 0,
        "bounced_before": 0,
    }
    reasons = [line.reason for line in listed(world, "skipped")]
    assert sorted(reasons) == sorted(reason for reason, n in preview.skipped.items() if n)
    [line] = listed(world, "already_sent")
    assert line.invoice_id == sent.id
    assert line.notes[0].startswith("mailed on ")
    assert "by command line" in line.notes[0]


def test_the_notes_say_why(world: World) -> None:
    every_kind(world)
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "")
        factories.invoice(session, payer)
        technical = factories.recipient_key(session, "technical")
        to = CustomerEmail(customer_id=payer.id, recipient_key_id=technical.id, address="x@customers.test")
        session.add(to)
    assert listed(world, "ready")[0].notes == ["a@customers.test", "b@customers.test"]
    assert [line.notes for line in listed(world, "not_approved")] == [["the invoice is open"]]
    assert [line.notes for line in listed(world, "no_attachment")] == [["no “Invoice PDF”"]]
    assert [line.notes for line in listed(world, "no_recipient")] == [
        ["no address at all"],
        ["has one with key “technical”"],
    ]


def test_what_another_definition_mailed_is_told_with_who_and_when(
    world: World, worker: WorkerProcess
) -> None:
    world.add()
    world.deliver(worker)
    with world.runtime.database.writing() as session:
        other = factories.definition(session, name="Other definition")
    world.add()
    preview = seen(world, definition_id=other.id)
    assert (preview.ready, preview.mailed_before, preview.twice) == (2, 1, 0)
    [line] = listed(world, "mailed_before", definition_id=other.id)
    assert f"with “{world.definition.name}”" in line.notes[0]
    assert len(listed(world, "ready", definition_id=other.id)) == 2


def test_who_could_get_a_mail_twice_is_counted_by_customer(world: World, worker: WorkerProcess) -> None:
    payer, _ = world.add()
    with world.runtime.database.writing() as session:
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    world.deliver(worker)
    world.add()
    assert (seen(world).twice, seen(world).skipped["already_sent"]) == (1, 2)
    again = seen(world, resend_already_sent=True)
    assert (again.twice, again.ready, again.skipped["already_sent"]) == (1, 3, 0)
    assert listed(world, "already_sent", resend_already_sent=True) == []


def test_with_collate_there_are_as_many_mails_as_customers(world: World) -> None:
    with world.runtime.database.writing() as session:
        session.merge(world.definition).collate = True
        payer = factories.customer(session, world.everybody)
        for _ in range(3):
            factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    world.add()
    preview = seen(world)
    assert (preview.ready, preview.mails, preview.customers) == (4, 2, 2)


def test_pages_go_on_and_back_without_a_gap(world: World) -> None:
    for day in (3, 1, 2, 1, 2, 3, 1):
        world.add(period=(date(2026, 10, day), date(2026, 10, 31)))
    whole = listed(world, "ready")
    assert [line.period[0].day for line in whole] == [1, 1, 1, 2, 2, 3, 3]
    assert listed(world, "ready", size=2) == whole
    choice = world.choice()
    with world.runtime.database.reading() as session:
        content = content_of(session, session.get_one(MessageDefinition, choice.definition_id))
        mark = whole[4]
        edge = Edge(mark.invoice_id, f"{mark.period[0]}~{mark.period[1]}", backwards=True)
        back = preview_lists.listed(session, OPERATOR, choice, content, "ready", edge, 2)
        assert [line.number for line in back.rows] == [line.number for line in whole[2:4]]
        assert back.previous
        for wrong in ("nonsense", "2026-10-01", "2026-13-01~2026-10-31"):
            with pytest.raises(ValueError, match=r".*"):
                preview_lists.listed(
                    session, OPERATOR, choice, content, "ready", replace(edge, value=wrong), 2
                )
        with pytest.raises(ValueError, match="no list"):
            preview_lists.listed(session, OPERATOR, choice, content, "everything", None)


@pytest.mark.security("C2")
def test_a_viewer_of_one_cluster_finds_no_other_in_a_list(world: World) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        payer = factories.customer(session, left)
        mine = factories.invoice(session, payer)
        factories.document(session, world.runtime.documents, mine)
    bound = Viewer("m", Role.MANAGER, frozenset({left.id}))
    assert [line.invoice_id for line in listed(world, "ready", bound)] == [mine.id]
    with world.runtime.database.reading() as session:
        assert preview(session, world.choice(), bound).invoices == 1


def test_e5_what_stands_beside_the_numbers(world: World) -> None:
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        factories.cluster(session, "leaf", left, world.everybody)
        session.merge(world.definition).sender.mail_server.rate_per_minute = 30
    _, invoice = world.add(documents=False)
    with world.runtime.database.writing() as session:
        other = factories.transformation(session, "Not attached")
        factories.document(session, world.runtime.documents, invoice, content=b"x" * 3000)
        factories.document(session, world.runtime.documents, invoice, content=b"y" * 9000, made_by=other)
    world.add()
    assert beside(world, world.choice(), 2) == Beside(clusters=2, rate=30, largest=3_000 * 78 // 57 + 10_000)
    assert beside(world, world.choice(cluster_id=left.id), 0) == Beside(clusters=1, rate=30, largest=0)


def test_all_skipped_have_the_notes_of_their_reasons_and_every_list_is_searched(world: World) -> None:
    every_kind(world)
    with world.runtime.database.writing() as session:
        index_all(session)
    notes = {line.reason: line.notes for line in listed(world, "skipped")}
    assert notes == {reason: listed(world, reason)[0].notes for reason in notes}
    for show in ("ready", "skipped"):
        one = listed(world, show)[-1]
        assert [line.number for line in listed(world, show, search=one.number.lower())] == [one.number]
        assert one.number in [line.number for line in listed(world, show, search=one.name[:7].upper())]
        assert listed(world, show, search="no customer of this name") == []
    assert len(listed(world, "ready", search="x y")) == 0, "every word must be found"


def test_a_search_with_many_hits_finds_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    every_kind(world)
    with world.runtime.database.writing() as session:
        index_all(session)
    few = [line.number for line in listed(world, "ready", search="customer")]
    monkeypatch.setattr(preview_search, "FOUND_MAX", 0)
    assert [line.number for line in listed(world, "ready", search="customer")] == few
    assert len(few) == 2
