"""A customer's personal data are erased: nothing in the database or the store has them, the chain of the
audit trail verifies, and what the law asks for stays."""

from __future__ import annotations

import sqlite3
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests import factories
from tests.world import World
from webapp import audit, found_by, sources, telling
from webapp.access import OPERATOR, Viewer
from webapp.audit_trail import verifying
from webapp.customers import addresses, bulk, editing
from webapp.edits import fingerprint
from webapp.errors import NotAllowed, Refused
from webapp.privacy import erased_documents, erasing
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.invoices import ErasedDocument, Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.notices import Notice, NoticeKind
from webapp.store.runs import Attempt, Reservation, Result, Run
from webapp.store.statuses import Role, SourceSubject
from webapp.store.users import AuditEntry, ImportSet
from webapp.users.accounts import create_user
from webapp.workers import WorkerProcess

NAME, ADDRESS, FORMER = "Zebulon Quagmire", "zebulon@quagmire.example", "old@quagmire.example"
SHOWN, VALUE = "Zeb Q. Quagmire-Smythe", "passport XK4471"
MARKS = ("zebulon", "quagmire", "xk4471", "zeb q")


@pytest.fixture
def marked(world: World, worker: WorkerProcess) -> tuple[World, int]:
    """A customer whose data are in every place that they can get to, and another one beside."""
    database, store = world.runtime.database, world.runtime.documents
    world.add("ann@other.example")
    with database.writing() as session:
        payer = factories.customer(session, world.everybody, FORMER, name=NAME)
        payer.extra = {"passport": VALUE, "pin": "7"}
        of = factories.invoice(session, payer)
        of.data = {"contact": NAME}
        factories.document(
            session, store, of, content=b"%PDF-1.4 for " + NAME.encode(), file_name=f"{NAME}.pdf"
        )
        found_by.index_customers(session, select(Customer.id))
    world.server.orders[FORMER] = "data-550"
    world.deliver(worker)
    with database.writing() as session:
        [email] = session.scalars(select(CustomerEmail).where(CustomerEmail.customer_id == payer.id))
        changed = addresses.address_values([email])
        editing_seen = fingerprint(changed)
        addresses.change_address(session, OPERATOR, email.id, ADDRESS, SHOWN, editing_seen)
    world.server.orders[ADDRESS] = ""
    run_id = world.run(resend_already_sent=True)
    world.start(run_id)
    world.work(worker, run_id)
    _write_about(world, payer.id, of.id)
    return world, payer.id


def _write_about(world: World, customer_id: int, invoice_id: int) -> None:
    """What people, imports and mail servers write of the customer."""
    with world.runtime.database.writing() as session:
        editing.set_field(session, OPERATOR, customer_id, "note", f"call {NAME}", None)
        bulk.suspend(session, OPERATOR, bulk.one(OPERATOR, customer_id), f"{NAME} asked")
        bulk.resume(session, OPERATOR, bulk.one(OPERATOR, customer_id))
        sources.remember(session, SourceSubject.INVOICE, invoice_id, "data.contact", NAME)
        sources.remember(session, SourceSubject.CUSTOMER, customer_id, "name", NAME)
        audit.note(session, "ann@a.example", "download customers", "customers", "search=Zebulon+Quagmire")
        audit.note(
            session, "ann@a.example", "download customers", "customers", "search=zebulon%20quagmire&x=1"
        )
        session.execute(update(MailServer).values(trouble=f"550 <{ADDRESS}> no"))
        session.execute(update(Run).values(name=f"Invoices for {NAME}", problem=f"{ADDRESS} refused"))
        session.execute(update(Result).where(Result.customer_id == customer_id).values(detail=f"bad: {NAME}"))
        user = create_user(session, "told@a.example", "correct horse battery", "viewer")
        about = {"run": f"Invoices for {NAME}", "why": f"550 <{ADDRESS}> no"}
        telling.tell(session, NoticeKind.RUN_STOPPED, "run 1", [user], about)
        session.execute(update(Notice).values(problem=f"550 <{ADDRESS}> no"))
        summary = {"rows": [["customer", "new", NAME, [f"name {NAME}"], {"name": NAME}]]}
        session.add(ImportSet(made_by="a", folder="f", source=f"{NAME}.zip", size=1, state="applied",
                              summary=summary, problem=f"{ADDRESS} is wrong", changed_by="a"))  # fmt: skip


def erase(world: World, customer_id: int, viewer: Viewer = OPERATOR, code: str = "") -> None:
    with world.runtime.database.writing() as session:
        typed = code or session.get_one(Customer, customer_id).code
        erasing.erase(session, viewer, customer_id, typed)
    erased_documents.delete_erased(world.runtime.database, world.runtime.documents, threading.Event())


def told(world: World) -> dict[str, list[str]]:
    """Every mark that is found in a table: (table, row)."""
    database, found = world.runtime.database, {}
    with database.reading() as session:
        tables = session.connection().exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if database.is_sqlite
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        for (table,) in tables.all():
            rows = session.connection().exec_driver_sql(f'SELECT * FROM "{table}"').all()  # noqa: S608
            hit = [str(row)[:300] for row in rows if any(mark in _text(row) for mark in MARKS)]
            if hit:
                found[table] = hit
    return found


def _text(row: Any) -> str:
    return " ".join(bytes(each).decode("latin-1") if isinstance(each, bytes | memoryview) else str(each)
                    for each in row).lower()  # fmt: skip


def in_store(world: World) -> list[Path]:
    paths = Path(world.runtime.settings.store_url).rglob("*")
    return [path for path in paths if path.is_file() and NAME.encode() in path.read_bytes()]


PLACES = {
    *("customer", "customer_email", "customer_search", "source_value", "invoice", "transformation_result"),
    *("result", "attempt", "reservation", "audit_entry", "import_set", "run", "mail_server"),
}


def test_after_erasing_nothing_is_found_anywhere(marked: tuple[World, int]) -> None:
    world, customer_id = marked
    there = told(world)
    assert set(there) >= PLACES
    assert in_store(world)
    erase(world, customer_id)
    assert told(world) == {}
    assert in_store(world) == []
    if world.runtime.database.is_sqlite:
        path = world.runtime.database.url.database
        assert path
        dump = "\n".join(sqlite3.connect(path).iterdump()).lower()
        assert [mark for mark in MARKS if mark in dump] == []


def test_what_the_law_asks_for_stays(marked: tuple[World, int]) -> None:
    world, customer_id = marked
    with world.runtime.database.reading() as session:
        code = session.get_one(Customer, customer_id).code
        before = proof(session)
        others = session.scalar(select(func.count()).select_from(CustomerEmail).where(
            CustomerEmail.customer_id != customer_id))  # fmt: skip
    erase(world, customer_id)
    with world.runtime.database.reading() as session:
        customer = session.get_one(Customer, customer_id)
        assert (customer.name, customer.suspended, customer.extra) == (f"Erased customer {code}", True, {})
        assert customer.erased_at is not None
        assert proof(session) == before
        [invoice] = session.scalars(select(Invoice).where(Invoice.customer_id == customer_id))
        assert (invoice.gross_amount, invoice.data) == (Decimal("121.00"), {})
        assert session.scalar(select(func.count()).select_from(CustomerEmail)) == others
        assert session.scalar(select(func.count()).select_from(TransformationResult)) == 1
        assert session.scalar(select(func.count()).select_from(ErasedDocument)) == 0
    verification = verifying.verify_and_note(world.runtime.database)
    assert verification.broken is None


def proof(session: Any) -> list[Any]:
    columns = (Attempt.id, Attempt.sha256, Attempt.size, Attempt.code, Attempt.started_at, Attempt.outcome)
    numbers = select(Reservation.invoice_id, Reservation.copy, Reservation.gross_amount).order_by(
        Reservation.invoice_id
    )
    return [*session.execute(select(*columns).order_by(Attempt.id)), *session.execute(numbers)]


def test_the_audit_trail_says_that_and_by_whom(marked: tuple[World, int]) -> None:
    world, customer_id = marked
    erase(world, customer_id, Viewer("root@a.example", Role.ADMIN))
    with world.runtime.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "erase")).one()
        about = session.scalars(select(AuditEntry).where(AuditEntry.subject == entry.subject)).all()
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == "download customers"))
        assert {each.detail for each in found} == {"search=…", "search=…&x=1"}
    assert entry.actor == "root@a.example"
    assert {each.detail for each in about} - {entry.detail} <= {"erased", ""}


@pytest.mark.parametrize("status", ["ready", "deferred", "unconfirmed", "sending"])
def test_an_outstanding_mail_is_in_the_way(marked: tuple[World, int], status: str) -> None:
    world, customer_id = marked
    with world.runtime.database.writing() as session:
        values = {"status": status, "token": "t", "next_try_at": func.now()}
        last = select(func.max(Result.id)).where(Result.customer_id == customer_id).scalar_subquery()
        session.execute(update(Result).where(Result.id == last).values(values))
    there = told(world)
    with pytest.raises(Refused, match="is outstanding"):
        erase(world, customer_id)
    assert told(world) == there
    assert in_store(world)


def test_only_an_administrator_who_sees_everything_erases(marked: tuple[World, int]) -> None:
    world, customer_id = marked
    bound = Viewer("a", Role.ADMIN, frozenset({world.everybody.id}))
    for viewer in (Viewer("m", Role.MANAGER), bound):
        with pytest.raises(NotAllowed):
            erase(world, customer_id, viewer)
    with pytest.raises(Refused, match="Type the code"):
        erase(world, customer_id, code="other")


def test_an_erased_customer_is_changed_by_no_one(marked: tuple[World, int]) -> None:
    world, customer_id = marked
    erase(world, customer_id)
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session)
        with pytest.raises(Refused, match="were erased"):
            addresses.add_address(session, OPERATOR, customer_id, key.id, ADDRESS, "")
        with pytest.raises(Refused, match="were erased"):
            editing.set_field(session, OPERATOR, customer_id, "note", NAME, None)
        assert bulk.resume(session, OPERATOR, bulk.one(OPERATOR, customer_id)) == 0
    with pytest.raises(Refused, match="erased already"):
        erase(world, customer_id)


def test_documents_that_others_have_stay_in_the_store(world: World) -> None:
    payers = []
    for _ in range(2):
        payer, of = world.add(documents=False)
        payers.append(payer)
        with world.runtime.database.writing() as session:
            document = factories.document(session, world.runtime.documents, of, content=b"%PDF-1.4 terms")
    erase(world, payers[0].id)
    assert world.runtime.documents.has(document.sha256)
    erase(world, payers[1].id)
    assert not world.runtime.documents.has(document.sha256)
