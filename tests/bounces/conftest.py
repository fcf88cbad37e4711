"""A world whose mails come back to signed addresses, and a Maildir that they are read in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.world import World
from webapp.bounces import reading
from webapp.bounces.reading import ReadingCounts
from webapp.bounces.receiving import ReceivedReturn, receive
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.mailservers import Sender
from webapp.workers import WorkerProcess

_names = count()


@dataclass
class Returns:
    """`mailbox_id`: a Maildir at `path`, which the world's sender uses."""

    world: World
    path: Path
    mailbox_id: int

    def put(self, raw: bytes) -> None:
        """Deliver a mail into the Maildir."""
        (self.path / "new" / f"{next(_names):06d}.test").write_bytes(raw)

    def read(self) -> ReadingCounts | None:
        """Read the mailbox once."""
        return reading.read(self.world.runtime, self.mailbox_id, threading.Event())

    def receive(self, raw: bytes) -> ReceivedReturn:
        """What a reader does with one mail."""
        with self.world.runtime.database.writing() as session:
            return receive(session, self.mailbox_id, raw)

    def mails(self) -> list[ReturnedMail]:
        """What was stored, in the order in which it was read."""
        with self.world.runtime.database.reading() as session:
            return list(session.scalars(select(ReturnedMail).order_by(ReturnedMail.id)))

    def sent(self, worker: WorkerProcess, *addresses: str, bcc: list[str] | None = None) -> tuple[int, str]:
        """Send a mail to one customer with these addresses; its run, and the address it comes back to."""
        self.world.add(*(addresses or ("anna@customers.test",)))
        run_id = self.world.deliver(worker, bcc=bcc)
        return run_id, self.world.server.taken[-1].sender


def make_maildir(path: Path) -> Path:
    for name in ("tmp", "new", "cur"):
        (path / name).mkdir(parents=True)
    return path


@pytest.fixture
def returns(world: World, tmp_path: Path) -> Returns:
    path = make_maildir(tmp_path / "maildir")
    with world.runtime.database.writing() as session:
        mailbox = Mailbox(name="Bounces", kind="maildir", folder=str(path))
        session.add(mailbox)
        session.flush()
        session.execute(update(Sender).values(envelope_sender="bounces@returns.test", mailbox_id=mailbox.id))
        return Returns(world, path, mailbox.id)


Send = Callable[..., tuple[int, str]]
