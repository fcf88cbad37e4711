"""A whole installation of real processes, as `mailrun up` starts them: web, workers, Redis."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sqlalchemy import exists, select

from tests import factories
from tests.browsing.reader import set_reader
from tests.http_client import PASSWORD
from tests.jobs.conftest import Site
from tests.launch.launched import ROOT, launch_environ, until
from tests.mailserver import MailServer
from tests.runtimes import open_runtime
from tests.world import World
from webapp import config
from webapp.access import OPERATOR
from webapp.catcher.box import Box
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.store.customers import Cluster
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.users.accounts import create_user

_numbers = count(1)


@dataclass
class Web:
    """The web part. Started again it has the same address."""

    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        begun = len(self.said())
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp", "web"],
                env={**self.environ, "MAILRUN_PORT": str(self.port), "PYTHONUNBUFFERED": "1"},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        serving = re.compile(r"Serving on \S+ port (\d+)")
        until(lambda: serving.search(self.said(), begun), 60, "the web part serves")
        found = serving.search(self.said(), begun)
        assert found
        self.port = int(found[1])
        until(self._listens, 60, "the web part listens")

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Installation:
    """`site` has the workers and Redis, `web` the pages; `runtime` looks at the same database from here."""

    runtime: Runtime
    site: Site
    web: Web
    people: dict[str, str] = field(default_factory=dict)

    def world(self, server: MailServer, connections: int = 2, **definition: object) -> World:
        """A cluster of its own, with a definition that sends over this mail server: tests that share an
        installation do not meet."""
        number = next(_numbers)
        with self.runtime.database.writing() as session:
            everybody = factories.cluster(session, f"region {number}")
            over = factories.mail_server(session, port=server.port, connections=connections)
            return World(self.runtime, server, everybody, factories.definition(session, over, **definition))

    def rest(self) -> None:
        """Stops whatever runs, and waits for what is on the wire."""
        with self.runtime.database.writing() as session:
            running = select(Run.id).where(Run.status.in_((RunStatus.CREATING, RunStatus.RUNNING)))
            for run_id in session.scalars(running).all():
                runs.stop(session, run_id, OPERATOR)
        until(self._is_quiet, 20, "nothing is on the wire")

    def _is_quiet(self) -> bool:
        with self.runtime.database.reading() as session:
            return not session.scalar(select(exists().where(Result.status == ResultStatus.SENDING)))

    def person(self, role: str = "admin", *clusters: Cluster) -> str:
        """A person with this role, bound to these clusters: the address to log in with."""
        email = f"{role}.{next(_numbers)}@example.com"
        with self.runtime.database.writing() as session:
            tags = [cluster.tag_name for cluster in clusters]
            name = f"{role.title()} Hoving"
            set_reader(create_user(session, email, PASSWORD, role, name=name, clusters=tags))
        return email


def customers(world: World, *addresses: str, documents: bool = True) -> list[str]:
    """Many customers at once, each with one of these addresses and one invoice; the invoices' numbers."""
    with world.runtime.database.writing() as session:
        numbers = []
        for address in addresses:
            payer = factories.customer(session, world.everybody, address)
            invoice = factories.invoice(session, payer)
            if documents:
                factories.document(session, world.runtime.documents, invoice)
            numbers.append(invoice.number)
        return numbers


def addresses(n: int, order: str = "fine") -> list[str]:
    """This number of different addresses, whose mails fare as ordered (tests/mailserver.py)."""
    return [f"{order}.{next(_numbers)}@customers.test" for _ in range(n)]


@contextmanager
def installation(database_url: str, home: Path, workers: int = 1, **environ: str) -> Iterator[Installation]:
    """An installation that runs while the block lasts. The database is migrated already."""
    environ = {
        **launch_environ(home),
        "MAILRUN_DATABASE_URL": database_url,
        "MAILRUN_REDIS_URL": f"unix://{home / 'redis.sock'}",
        "MAILRUN_TIME_SCALE": "600",
        "MAILRUN_LEASE": "5",
        "MAILRUN_SMTP_TIMEOUT": "5",
        "MAILRUN_SMTP_DATA_TIMEOUT": "5",
        "MAILRUN_REFUSALS_TO_STOP": "0",  # a page full of failed results would stop its run
        **environ,
    }
    mailbox = ExitStack()
    mailbox.enter_context(Box(home / "caught").being_filled())  # a page too, if an empty one
    runtime = open_runtime(config.load(environ))
    unknown = MailServer()
    unknown.start()
    web = Web(environ, home / "web.log")
    made = Installation(runtime, None, web)  # type: ignore[arg-type]
    made.site = Site(made.world(unknown), environ, home / "redis.sock")
    try:
        made.site.start_redis()
        for _ in range(workers):
            made.site.start_worker()
        web.start()
        yield made
    finally:
        web.stop()
        mailbox.close()
        made.site.end()
        unknown.stop()
        runtime.database.dispose()
