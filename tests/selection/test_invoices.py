"""Which invoices a run takes, why it skips some, and that preview and run always agree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event, func, select

from tests import factories
from tests.world import World
from webapp import errors
from webapp.access import OPERATOR, Viewer
from webapp.errors import Refused
from webapp.lifecycle.counts import counts
from webapp.new_run import creation, generation
from webapp.new_run.preview import Preview, preview
from webapp.selection.invoices import is_large_share
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run


def seen(world: World, **fields: object) -> Preview:
    with world.runtime.database.reading() as session:
        return preview(session, world.choice(**fields), OPERATOR)


def created(world: World) -> Run:
    """A run whose results are yet to be made."""
    with world.runtime.database.writing() as session:
        return creation.create(session, world.runtime.queue, creation.RunRequest(world.choice()), OPERATOR)


def test_every_reason_in_its_order_and_all_add_up(world: World) -> None:
    world.add(gross="100.10")
    world.add(gross="-0.05")
    world.add(gross="7.00", currency="CHF")
    world.add(status="open")
    world.add("")
    world.add(documents=False)
    world.add("", status="closed", documents=False)  # the first reason that applies is told
    with world.runtime.database.writing() as session:
        gone = factories.customer(session, world.everybody, suspended=True)
        factories.invoice(session, gone, status="open")
    preview = seen(world)
    assert (preview.invoices, preview.ready, preview.customers) == (8, 3, 3)
    assert preview.skipped == {
        "suspended": 1,
        "not_approved": 2,
        "no_recipient": 1,
        "no_attachment": 1,
        "already_sent": 0,
        "no_password": 0,
        "unlockable": 0,
        "suspect_document": 0,
    }
    assert preview.amounts == {"EUR": Decimal("100.05"), "CHF": Decimal("7.00")}
    run_id = world.run()
    assert sorted(world.statuses(run_id)) == ["ready"] * 3 + ["skipped"] * 5
    with world.runtime.database.reading() as session:
        assert counts(session, run_id).reasons == {**preview.skipped, "too_late": 0}
        run = session.get_one(Run, run_id)
        content = run.version.content
        assert generation.generated_fingerprint(session, run, content) == preview.fingerprint  # type: ignore[arg-type]


def test_the_period_is_inclusive_and_overlapping_invoices_are_named(world: World) -> None:
    world.add(period=(date(2026, 10, 1), date(2026, 10, 31)))
    world.add(period=(date(2026, 10, 31), date(2026, 10, 31)))
    world.add(period=(date(2026, 9, 30), date(2026, 10, 2)))
    world.add(period=(date(2026, 10, 31), date(2026, 11, 1)))
    world.add(period=(date(2026, 9, 1), date(2026, 9, 30)))
    preview = seen(world)
    assert (preview.invoices, preview.overlapping) == (2, 2)


def test_a_customer_reached_by_two_paths_counts_once(world: World) -> None:
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        right = factories.cluster(session, "right", world.everybody)
        both = factories.cluster(session, "both", left, right)
        payer = factories.customer(session, both)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    assert seen(world).invoices == 1
    assert seen(world, include_children=False).invoices == 0
    assert seen(world, cluster_id=both.id, include_children=False).invoices == 1
    assert len(world.statuses(world.run())) == 1


def test_every_invoice_is_in_exactly_one_result_with_collate(world: World) -> None:
    with world.runtime.database.writing() as session:
        session.merge(world.definition).collate = True
        payer = factories.customer(session, world.everybody)
        invoices = [factories.invoice(session, payer) for _ in range(5)]
        for invoice in invoices[:4]:
            factories.document(session, world.runtime.documents, invoice)
    world.add()
    run_id = world.run()
    assert sorted(world.statuses(run_id)) == ["ready", "ready", "skipped"]
    with world.runtime.database.reading() as session:
        sizes = session.execute(
            select(Result.status, func.count())
            .join(ResultInvoice, ResultInvoice.result_id == Result.id)
            .where(Result.run_id == run_id)
            .group_by(Result.id)
            .order_by(func.count())
        ).all()
    assert sorted((status, n) for status, n in sizes) == [("ready", 1), ("ready", 4), ("skipped", 1)]


def test_data_that_come_after_create_add_nothing(world: World) -> None:
    world.add()
    run = created(world)
    world.add()
    generation.generate(world.runtime, run.id)
    assert len(world.statuses(run.id)) == 1


def test_a_set_that_changed_since_the_preview_is_not_started(world: World) -> None:
    _, invoice = world.add()
    world.add()
    promised = seen(world).fingerprint
    with world.runtime.database.writing() as session:
        run = creation.create(
            session,
            world.runtime.queue,
            creation.RunRequest(world.choice(), preview_fingerprint=promised, start=True),
            OPERATOR,
        )
        session.get_one(Invoice, invoice.id).status = "open"
    generation.generate(world.runtime, run.id)
    assert world.status(run.id) == "created"
    with world.runtime.database.reading() as session:
        assert "not what the preview showed" in (session.get_one(Run, run.id).problem or "")


def test_a_run_can_be_narrowed_but_not_widened(world: World) -> None:
    _, first = world.add()
    world.add()
    _, outside = world.add(period=(date(2026, 9, 1), date(2026, 9, 30)))
    run_id = world.run(invoice_ids=(first.id,))
    assert [result.lead_invoice_id for result in world.results(run_id)] == [first.id]
    with pytest.raises(Refused, match=outside.number):
        world.run(invoice_ids=(first.id, outside.id))


@pytest.mark.security("C3")
def test_a_viewer_bound_to_a_cluster_sees_and_takes_only_what_is_below_it(world: World) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        own = factories.cluster(session, "own", world.everybody)
        factories.invoice(session, factories.customer(session, own))
    bound = Viewer("manager@example.com", OPERATOR.role, frozenset({own.id}))
    with world.runtime.database.writing() as session:
        assert preview(session, world.choice(), bound).invoices == 1
        with pytest.raises(errors.NotFound):
            creation.create(session, world.runtime.queue, creation.RunRequest(world.choice()), bound)
        assert session.scalar(select(func.count()).select_from(Customer)) == 2


def test_a_fifth_of_all_customers_are_many(world: World) -> None:
    """Both ways of searching take the same invoices; which one is quicker is what this decides."""
    with world.runtime.database.writing() as session:
        few = factories.cluster(session, "few", world.everybody)
        factories.customer(session, few)
        for _ in range(4):
            factories.customer(session, world.everybody)
    with world.runtime.database.reading() as session:
        assert is_large_share(session, few.id, include_children=True)
        assert is_large_share(session, world.everybody.id, include_children=False)
    with world.runtime.database.writing() as session:
        factories.customer(session, world.everybody)
    with world.runtime.database.reading() as session:
        assert not is_large_share(session, few.id, include_children=True)


def test_the_days_and_the_clusters_are_part_of_the_statement(world: World) -> None:
    """PostgreSQL plans a statement that it has seen ten times without the values that stand beside it."""
    sqls: list[str] = []
    listen = event.listens_for(world.runtime.database.engine, "before_cursor_execute")
    listen(lambda _connection, _cursor, sql, *_: sqls.append(sql))
    with world.runtime.database.writing() as session:
        few = factories.cluster(session, "few", world.everybody)
        for _ in range(6):
            factories.customer(session, world.everybody)
    choice = world.choice(cluster_id=few.id)
    seen(world, cluster_id=few.id)
    counted = next(sql for sql in sqls if "seen" in sql)
    assert f"customer.cluster_id IN ({few.id})" in counted
    assert f"invoice.period_end <= '{choice.period_to}'" in counted
    beyond = next(sql for sql in sqls if "invoice.period_start < " in sql)
    assert f"invoice.period_start < '{choice.period_from}'" in beyond
