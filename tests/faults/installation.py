"""An installation to break: databases, Redis and a mail server that are real, and workers that are
processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from redis import Redis
from sqlalchemy import insert, select, update

from tests import factories
from tests.http_client import PASSWORD, Browser
from tests.jobs import conftest as jobs
from tests.mailserver import MailServer
from tests.world import World
from webapp import create_app
from webapp.extensions import runtime_of
from webapp.runs import report
from webapp.store import mailservers
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.users.accounts import create_user

_numbers = count(1_000_000)


@dataclass
class Site(jobs.Site):
    """tests/jobs' installation, and what the fault table asks of it."""

    apps: list[Flask] = field(default_factory=list, kw_only=True)

    @property
    def server(self) -> MailServer:
        return self.world.server

    @property
    def home(self) -> Path:
        return self.world.runtime.settings.home

    def stored(self, digest: str) -> Path:
        """Where the store has these bytes."""
        return self.home / "documents" / digest[:2] / digest

    @property
    def rq(self) -> Redis:
        return Redis(unix_socket_path=str(self.redis_socket))

    def over(self, **fields: object) -> None:
        """Changes the mail server's row: `max_connections`, `host`, `security`, …"""
        with self.world.runtime.database.writing() as session:
            session.execute(update(mailservers.MailServer).values(**fields))

    def add(self, *addresses: str) -> None:
        """A customer for each address, with one invoice and its document."""
        for address in addresses:
            self.world.add(address)

    def send(self, *addresses: str) -> int:
        """A started run that goes to these addresses, in this order; its id."""
        self.add(*addresses)
        run_id = self.world.run()
        self.world.start(run_id)
        return run_id

    def result(self, run_id: int, address: str) -> Result:
        """The result of the customer with this address."""
        with self.world.runtime.database.reading() as session:
            of = select(CustomerEmail.customer_id).where(CustomerEmail.address == address)
            return session.scalars(
                select(Result).where(Result.run_id == run_id, Result.customer_id.in_(of))
            ).one()

    def attempts(self, run_id: int, address: str) -> list[Attempt]:
        id = self.result(run_id, address).id
        with self.world.runtime.database.reading() as session:
            of = select(Attempt).where(Attempt.result_id == id).order_by(Attempt.id)
            return list(session.scalars(of))

    def outcomes(self, run_id: int, address: str) -> list[str]:
        """What became of each attempt to deliver to this address."""
        return [attempt.outcome for attempt in self.attempts(run_id, address)]

    def until_status(self, run_id: int, address: str, *statuses: str) -> Result:
        """Waits until the result to this address has one of these statuses."""
        self.until(lambda: self.result(run_id, address).status in statuses)
        return self.result(run_id, address)

    def until_waiting(self, run_id: int) -> str:
        """Waits until the run waits for its mail server; what it says of that."""
        said: list[str] = []

        def waits() -> bool:
            said.append(self.problem(run_id))
            return "waiting for mail server" in said[-1]

        self.until(waits)
        return said[-1]

    def problem(self, run_id: int) -> str:
        """What the run's page says is the matter."""
        with self.world.runtime.database.reading() as session:
            return report.problem(session, session.get_one(Run, run_id)) or ""

    def pages(self, role: str = "admin", name: str = "marit") -> Browser:
        """A person who has logged in."""
        runtime = self.world.runtime
        app = create_app(runtime.settings)
        self.apps.append(app)
        email = f"{name}.{role}@example.com"
        with runtime.database.writing() as session:
            create_user(session, email, PASSWORD, role)
        browser = Browser(app.test_client())
        assert browser.log_in(email).status_code == 303
        return browser

    def end(self) -> None:
        """The test is over: nothing has to be finished."""
        for process in self.workers:
            with suppress(ProcessLookupError):
                process.kill()
        for process in self.workers:
            process.wait(30)
        self.workers.clear()
        for app in self.apps:
            runtime_of(app).close()
        super().end()


def numbered(n: int, order: str = "fine") -> list[str]:
    """This number of addresses whose mails fare as ordered."""
    return [f"{order}.{number}@customers.test" for number in range(1, n + 1)]


def kill_at(process: subprocess.Popen[bytes]) -> Callable[[object], None]:
    """Kills this worker with signal 9, and returns when it is gone."""

    def act(_: object) -> None:
        process.kill()
        process.wait(20)

    return act


def crowd(world: World, addresses: Iterable[str], *, slice: int = 20_000) -> None:
    """Very many customers at once, with one invoice and the same document each, which the guard let pass."""
    content = b"%PDF-1.4 the same for all\n"
    digest = world.runtime.documents.put(content)
    given = list(addresses)
    for first in range(0, len(given), slice):
        with world.runtime.database.writing() as session:
            key, made_by = factories.recipient_key(session), factories.transformation(session)
            numbers = [next(_numbers) for _ in given[first : first + slice]]
            customers = _stored(
                session,
                Customer,
                [{"code": f"C{n:08d}", "name": f"Customer {n}", "cluster_id": world.everybody.id}
                 for n in numbers],
            )  # fmt: skip
            session.execute(insert(CustomerEmail), [
                {"customer_id": id, "recipient_key_id": key.id, "address": address}
                for id, address in zip(customers, given[first : first + slice], strict=True)
            ])  # fmt: skip
            period = dict(zip(("period_start", "period_end"), factories.OCTOBER, strict=True))
            amounts = {"net_amount": Decimal(100), "tax_amount": Decimal(21), "gross_amount": Decimal(121)}
            invoices = _stored(session, Invoice, [
                {"number": f"INV-{n:08d}", "customer_id": id, "status": "approved",
                 "issue_date": factories.OCTOBER[1], "currency": "EUR", **period, **amounts}
                for n, id in zip(numbers, customers, strict=True)
            ])  # fmt: skip
            session.execute(insert(TransformationResult), [
                {"invoice_id": id, "transformation_id": made_by.id, "file_name": "invoice.pdf",
                 "media_type": "application/pdf", "size": len(content), "sha256": digest, "found_in": digest}
                for id in invoices
            ])  # fmt: skip


def _stored(session: Any, kind: Any, rows: list[dict[str, object]]) -> list[int]:
    return list(session.scalars(insert(kind).returning(kind.id, sort_by_parameter_order=True), rows))
