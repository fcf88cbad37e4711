"""An office with a sender for notices, and people who are told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select, update

from tests.http_client import PASSWORD
from tests.world import World
from webapp.access import Viewer, viewer_of
from webapp.lifecycle import runs
from webapp.notices import upkeep
from webapp.store.customers import Cluster
from webapp.store.installation import Installation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.notices import Notice, NoticeKind, NoticePreference, NoticeWay
from webapp.store.users import User
from webapp.users.accounts import create_user

JONAS, MARIT = "jonas@office.test", "marit@office.test"
ADDRESS = "https://mailrun.office.test"


@dataclass
class Office:
    """What is tried with notices."""

    world: World
    stopping: threading.Event = field(default_factory=threading.Event)

    def person(self, email: str, role: str = "manager", *clusters: Cluster, **fields: object) -> User:
        """A user, bound to these clusters; `fields`: of the account, such as language."""
        tags = [cluster.tag_name for cluster in clusters]
        with self.world.runtime.database.writing() as session:
            user = create_user(session, email, PASSWORD, role, clusters=tags)
            user.language = "en"
            for name, value in fields.items():
                setattr(user, name, value)
        return user

    def want(self, user: User, kind: NoticeKind, way: NoticeWay, *, of_all: bool = False) -> None:
        """This user chooses."""
        with self.world.runtime.database.writing() as session:
            session.merge(NoticePreference(user_id=user.id, kind=kind, way=way, of_all=of_all))

    def viewer(self, email: str) -> Viewer:
        with self.world.runtime.database.reading() as session:
            return viewer_of(session.scalars(select(User).where(User.email == email)).one())

    def start(self, run_id: int, email: str = JONAS) -> str:
        """This person presses Start."""
        with self.world.runtime.database.writing() as session:
            return runs.start(session, self.world.runtime.queue, run_id, self.viewer(email))

    def finished(self, email: str = JONAS) -> int:
        """A run that this person started, and that had nothing to send."""
        run_id = self.world.run()
        self.start(run_id, email)
        return run_id

    def work(self, at: datetime | None = None) -> None:
        """What the sweep of a worker does about notices."""
        upkeep.work_off(self.world.runtime, self.stopping, at)

    def notices(self, *emails: str) -> Sequence[Notice]:
        """All notices, or those of these people; the oldest first."""
        query = select(Notice).join(User, User.id == Notice.user_id).order_by(Notice.id)
        with self.world.runtime.database.reading() as session:
            return session.scalars(query.where(User.email.in_(emails)) if emails else query).all()

    def told(self, *emails: str) -> list[tuple[str, str]]:
        """(kind, state of the mail) of each notice."""
        return [(notice.kind, notice.mail) for notice in self.notices(*emails)]

    def mails(self) -> list[tuple[tuple[str, ...], str, str]]:
        """Recipients, subject and text of what the mail server took."""
        found = []
        for taken in self.world.server.taken:
            mail = message_from_bytes(taken.data, policy=policy.default)
            body = mail.get_body(("plain",))
            assert body is not None
            found.append((tuple(taken.recipients), str(mail["Subject"]), body.get_content()))
        return found

    def change(self, **values: object) -> None:
        """Change every notice."""
        with self.world.runtime.database.writing() as session:
            session.execute(update(Notice).values(**values))

    def trouble(self, words: str | None, since: datetime | None) -> None:
        """The one mail server is in trouble since then; None ends it."""
        values = {"trouble": words, "trouble_since": since, "next_try_at": since}
        with self.world.runtime.database.writing() as session:
            session.execute(update(MailServer).values(**values))


@pytest.fixture
def office(world: World) -> Office:
    """Jonas, a manager, and the sender of the one definition for notices."""
    with world.runtime.database.writing() as session:
        session.execute(update(Sender).values(for_notices=True, address="mailrun@office.test"))
        session.execute(update(Installation).values(notice_address=ADDRESS))
    made = Office(world)
    made.person(JONAS, may_send=True)
    return made
