"""An administrator leaves the demo company: what goes, what stays, and what is refused. On both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import factories
from webapp import found_by
from webapp.access import OPERATOR
from webapp.demo import company, folder, loading, own_data, removing
from webapp.demo.own_data import DemoNumbers
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.new_run import creation, generation
from webapp.selection.invoices import Selection
from webapp.store.customers import Cluster, ClusterParent, Customer, RecipientKey
from webapp.store.database import Database
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.tables import metadata
from webapp.store.types import now
from webapp.store.users import AuditEntry, User, UserCluster

pytestmark = pytest.mark.usefixtures("set_once")
STAYS = {"installation", "user_account", "user_session", "form_key", "secret_field"} | {
    *("audit_entry", "audit_chain", "audit_key"),
}
BILLS_WITH_DOCUMENTS = 6
"""To set all six hundred takes a minute."""


@pytest.fixture
def demo(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """An installation with the demo company, but for most of its documents."""
    write = folder._write_documents
    monkeypatch.setattr(folder, "_write_documents", lambda at, bills: write(at, bills[:BILLS_WITH_DOCUMENTS]))
    loading.load(runtime, now().astimezone().date(), lambda words: None)
    return runtime


def make_run(runtime: Runtime) -> int:
    """A run of the reminders of the demo, which need no document, over all of its clusters."""
    with runtime.database.writing() as session:
        named = MessageDefinition.name == "Payment reminder"
        definition = session.scalars(select(MessageDefinition.id).where(named))
        root = session.scalars(select(Cluster.id).where(Cluster.tag_name == company.ROOT))
        day = session.scalars(select(func.max(Invoice.period_start))).one()
        end = session.scalars(select(func.max(Invoice.period_end))).one()
        wanted = creation.RunRequest(Selection(definition.one(), root.one(), True, day, end))
        run = creation.create(session, runtime.queue, wanted, OPERATOR)
    generation.generate(runtime, run.id)
    return run.id


def seen(runtime: Runtime) -> tuple[DemoNumbers | None, list[str]]:
    """What the page says."""
    with runtime.database.reading() as session:
        loaded = own_data.loaded_at(session)
        if loaded is None:
            return None, []
        rows = own_data.demo_rows(session, loaded)
        return own_data.numbers(session, rows), own_data.objections(session, rows)


def remove(runtime: Runtime) -> None:
    numbers, _ = seen(runtime)
    with runtime.database.writing() as session:
        removing.remove(session, OPERATOR, runtime.documents, numbers)


def left(database: Database) -> set[str]:
    """The tables that have a row, without those that stay."""
    with database.reading() as session:
        return {
            table.name
            for table in metadata.sorted_tables
            if table.name not in STAYS and session.scalar(select(func.count()).select_from(table))
        }


def test_everything_of_the_demo_goes_and_users_and_audit_stay(demo: Runtime) -> None:
    first = make_run(demo)
    numbers, objections = seen(demo)
    assert numbers is not None
    assert (numbers.customers, numbers.runs, objections) == (200, 1, [])
    assert numbers.invoices > 600
    assert numbers.documents >= BILLS_WITH_DOCUMENTS
    remove(demo)
    assert left(demo.database) == set()
    assert seen(demo) == (None, [])
    assert not any(path.is_file() for path in (demo.settings.home / "documents").rglob("*"))
    with demo.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == own_data.REMOVED)).one()
        assert entry.detail.startswith("200 customers, ")
        assert session.scalars(select(Installation.runs_removed_to)).one() == first
    loading.load(demo, now().astimezone().date(), lambda words: None)  # `mailrun up` without --no-demo
    assert left(demo.database) == set()


def test_what_the_demo_did_not_make_stays_with_what_it_uses(demo: Runtime) -> None:
    with demo.database.writing() as session:
        mine = factories.cluster(session, "Mine")
        customer = factories.customer(session, mine, "a@x.test")
        invoice = factories.invoice(session, customer)
        found_by.index_invoices(session, select(Invoice.id).where(Invoice.id == invoice.id))
        named = MessageDefinition.name == "Payment reminder"
        of_demo = session.scalars(select(MessageDefinition).where(named)).one()
        session.add(
            MessageDefinition(
                name="My own", sender_id=of_demo.sender_id, recipient_key_id=of_demo.recipient_key_id,
                subject="Invoice", template_id=of_demo.template_id, no_documents=True,
            )
        )  # fmt: skip
    remove(demo)
    with demo.database.reading() as session:
        assert session.scalars(select(Customer.id)).all() == [customer.id]
        assert session.scalars(select(MessageDefinition.name)).all() == ["My own"]
        own = session.scalars(select(MessageDefinition)).one()
        assert (own.sender.key, own.sender.mail_server.name) == ("collections", "Mail catcher")
        assert own.template.name == "Payment reminder"
        assert "billing" in session.scalars(select(RecipientKey.key)).all()
        assert found_by.invoices_found(session, invoice.number, 10) == [invoice.id]


def own_customer(session: Session) -> None:
    factories.customer(session, session.scalars(select(Cluster).where(Cluster.tag_name == "France")).one())


def renamed(session: Session) -> None:
    session.scalars(select(Customer).where(Customer.code == "K-41001")).one().name = "Mine now"


def own_cluster(session: Session) -> None:
    mine = factories.cluster(session, "Mine")
    france = session.scalars(select(Cluster.id).where(Cluster.tag_name == "France")).one()
    session.add(ClusterParent(child_id=mine.id, parent_id=france))


def own_invoice(session: Session) -> None:
    factories.invoice(session, session.scalars(select(Customer).where(Customer.code == "K-41001")).one())


def bound_user(session: Session) -> None:
    """Bound to no cluster any more, this person would see everything."""
    user = session.scalars(select(User)).one()
    france = session.scalars(select(Cluster.id).where(Cluster.tag_name == "France")).one()
    session.add(UserCluster(user_id=user.id, cluster_id=france))


def own_plan(session: Session) -> None:
    france = session.scalars(select(Cluster).where(Cluster.tag_name == "France")).one()
    definition = session.scalars(select(MessageDefinition)).first()
    assert definition is not None
    fields = {"period": "last_month", "every": "month", "day": "last_day", "at": "07:00", "action": "wait"}
    owner = session.scalars(select(User)).one()
    session.add(
        Plan(
            **fields,
            name="Mine",
            owner_id=owner.id,
            definition_id=definition.id,
            cluster_id=france.id,
            time_zone="UTC",
            next_at=now(),
            made_by=owner.email,
        )
    )


@pytest.mark.parametrize(
    ("hang", "words"),
    [
        (own_plan, "Plans for clusters of the demo: Mine"),
        (own_customer, "Customers of yours in clusters of the demo"),
        (renamed, "other names than in the demo: K-41001"),
        (own_cluster, "Mine below France"),
        (own_invoice, "Invoices of yours for customers of the demo"),
        (bound_user, "Users who see clusters of the demo only: Marit Hoving"),
    ],
)
def test_what_hangs_on_the_demo_is_refused_in_words(
    demo: Runtime, hang: Callable[[Session], None], words: str
) -> None:
    with demo.database.writing() as session:
        hang(session)
    assert words in " ".join(seen(demo)[1])
    with pytest.raises(Refused, match=words):
        remove(demo)
    with demo.database.reading() as session:
        assert (session.scalar(select(func.count()).select_from(Invoice)) or 0) > 600


def test_while_a_run_sends_nothing_is_removed_and_nothing_that_was_not_told(demo: Runtime) -> None:
    numbers, _ = seen(demo)
    run_id = make_run(demo)
    with pytest.raises(Refused, match="has changed since"), demo.database.writing() as session:
        removing.remove(session, OPERATOR, demo.documents, numbers)
    with demo.database.writing() as session:
        runs.start(session, demo.queue, run_id, OPERATOR)
    with pytest.raises(Refused, match="still sending"):
        remove(demo)
    with demo.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 1


def test_no_run_gets_the_id_of_a_removed_one(demo: Runtime) -> None:
    """The audit trail names runs by their ids."""
    removed = make_run(demo)
    remove(demo)
    with demo.database.writing() as session:
        mine = factories.cluster(session, "Mine")
        definition = factories.definition(session)
        day = now().date()
        wanted = creation.RunRequest(Selection(definition.id, mine.id, True, day, day))
        assert creation.create(session, demo.queue, wanted, OPERATOR).id > removed
        assert creation.create(session, demo.queue, wanted, OPERATOR).id > removed + 1


def test_data_with_the_same_codes_that_came_later_is_not_the_demo(demo: Runtime) -> None:
    remove(demo)
    with demo.database.writing() as session:
        customer = factories.customer(session, factories.cluster(session, company.ROOT))
        customer.code = "K-41001"
    assert seen(demo) == (None, [])
    with pytest.raises(Refused, match="not here"):
        remove(demo)
