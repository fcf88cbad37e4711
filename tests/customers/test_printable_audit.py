"""F, S11: what people type, and what names from outside have in them, is on one line of the audit trail."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests import factories
from tests.world import World
from webapp import audit
from webapp.access import Viewer
from webapp.customers import bulk
from webapp.errors import Refused
from webapp.invoices import bulk as invoices
from webapp.printable import has_controls
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Run
from webapp.store.statuses import InvoiceStatus, Role
from webapp.store.users import AuditEntry

ODD = "a\x1b[2J\u202eb\x85\u2066'c%"
SHOWN = "a␛[2J�b��'c%"
PERSON = Viewer(f"m{ODD}@example.com", Role.ADMIN)


@pytest.mark.security("C27")
def test_f_s11_what_is_done_to_many_is_noted_printable(world: World) -> None:
    customer, invoice = world.add()
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).code = f"C{ODD}"
        session.get_one(Invoice, invoice.id).number = f"N{ODD}"
        to = factories.cluster(session, f"to{ODD}")
        bulk.move(session, PERSON, [], to)
        bulk.suspend(session, PERSON, [], " owes\x1b us\u202e ")
        invoices.close(session, PERSON, [])
    with world.runtime.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry).order_by(AuditEntry.id).where(AuditEntry.actor != "a test")
        ).all()
        done = [row for row in rows if row.action in ("change", "suspend", "close")]
        assert [(row.actor, row.subject, row.detail) for row in done] == [
            (f"m{SHOWN}@example.com", f"customer C{SHOWN}", f"cluster: all → to{SHOWN}"),
            (f"m{SHOWN}@example.com", f"customer C{SHOWN}", "owes␛ us�"),
            (f"m{SHOWN}@example.com", f"invoice N{SHOWN}", f"status: {InvoiceStatus.APPROVED} → closed"),
        ]


@pytest.mark.security("C27")
@pytest.mark.parametrize("reason", ["one\ntwo", "x" * 301, "one\u2028two"])
def test_f_s11_a_reason_is_one_line(world: World, reason: str) -> None:
    world.add()
    with pytest.raises(Refused, match="The reason"), world.runtime.database.writing() as session:
        bulk.suspend(session, PERSON, [], reason)


@pytest.mark.security("C27")
def test_f_s11_what_is_done_to_a_run_is_noted_printable_and_whole(world: World) -> None:
    world.add()
    run_id = world.run()
    long = "; results " + ", ".join(map(str, range(10_000_000, 10_000_200)))
    with world.runtime.database.writing() as session:
        audit.audit(session, PERSON.name, "create", session.get_one(Run, run_id), ODD + long)
    with world.runtime.database.reading() as session:
        entry = audit.last(session, f"run {run_id}", "create")
        assert entry
        assert not has_controls(entry.actor + entry.detail)
        assert entry.detail == SHOWN + long
