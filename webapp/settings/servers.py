"""What the pages say of a mail server: whether it works, what waits for it; and the check of its
connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.access import Viewer
from webapp.config import Settings
from webapp.mailing.addresses import wire_address
from webapp.mailservers.backoff import needs_a_person, waiting_sentence
from webapp.mailservers.passwords import DESTINATION
from webapp.mailservers.reaching import address_of
from webapp.results.to_fix import waiting_runs
from webapp.settings.kinds import SERVERS
from webapp.settings.storing import refuse_elsewhere
from webapp.settings.trial import trial_mail
from webapp.smtp.connection_check import CheckedConnection, check
from webapp.smtp.server_connection import Waits
from webapp.store.database import Database
from webapp.store.mailservers import MailServer, Sender
from webapp.store.runs import Attempt, Run
from webapp.store.statuses import Security
from webapp.store.types import now
from webapp.translation import ENGLISH, _, ngettext

CHECK_SECONDS = 10.0
"""How long a server may take for each reply while its connection is checked: a person waits for it."""
LARGEST_OF_DAYS = 35


@dataclass(frozen=True)
class ServerState:
    """`look` and `words` of the state; `sentence`: what it waits for; `runs`: those that wait for it."""

    look: str
    words: str
    sentence: str = ""
    runs: Sequence[Run] = ()
    senders: list[str] = field(default_factory=list)


def states(session: Session, viewer: Viewer) -> dict[int, ServerState]:
    """The state of every mail server, by its id."""
    senders: dict[int, list[str]] = {}
    for server_id, key in session.execute(select(Sender.mail_server_id, Sender.key).order_by(Sender.key)):
        senders.setdefault(server_id, []).append(key)
    waiting: dict[int, list[Run]] = {}
    for run, server in waiting_runs(session, viewer):
        waiting.setdefault(server.id, []).append(run)
    return {
        server.id: _state(server, waiting.get(server.id, []), senders.get(server.id, []))
        for server in session.scalars(select(MailServer))
    }


def _state(server: MailServer, runs: Sequence[Run], senders: list[str]) -> ServerState:
    if server.trouble is not None:
        since = server.trouble_since
        words = _("Waiting since %(time)s", time=notation.clock(since)) if since else _("Waiting")
        sentence = waiting_sentence(server) or ""
        look = "failed" if needs_a_person(server) else "deferred"
        return ServerState(look, words, f"{sentence[:1].upper()}{sentence[1:]}.", runs, senders)
    if not senders:
        return ServerState("ready", _("Not used"), senders=senders)
    return ServerState("sent", _("Fine"), senders=senders)


def login_words(server: MailServer) -> str:
    """How the connection is secured, and the login, in a few words."""
    security = {Security.NONE: _("no encryption"), Security.STARTTLS: "STARTTLS", Security.TLS: "TLS"}
    login = _("login as %(name)s", name=server.username) if server.username else _("no login")
    if server.oauth_account_id is not None:
        login = _("login by OAuth 2")
    return f"{security[Security(server.security)]}, {login}"


def limit_words(server: MailServer) -> str:
    """300 a minute, 4 connections"""
    n = server.max_connections
    rate = _("no limit")
    if server.rate_per_minute:
        rate = _("%(num)s a minute", num=notation.number(server.rate_per_minute))
    at_once = ngettext("%(num)s connection", "%(num)s connections", n, num=n)
    return f"{rate}, {at_once}"


@dataclass(frozen=True)
class CheckPlan:
    """What a check needs from the database: it may last half a minute, without a session open. `mail`: what
    it sends; empty for a check that sends nothing. `password`: one that was typed, in the place of the stored
    one."""

    server: MailServer
    sender: str
    recipient: str
    largest: int
    mail: bytes = b""
    password: str = field(default="", repr=False)

    def run(self, settings: Settings, database: Database) -> CheckedConnection:
        """Check the connection, and send the mail if there is one."""
        seconds = min(CHECK_SECONDS, settings.smtp_timeout)
        address = address_of(self.server, settings, database)
        if self.password and address.access_token is None:
            address = replace(address, password=self.password, unreadable_password="")
        return check(
            address,
            Waits(seconds, seconds),
            sender=self.sender,
            recipient=self.recipient,
            largest=self.largest,
            mail=self.mail,
        )


def as_typed(
    stored: MailServer | None, name: str, values: Mapping[str, Any], secret: str | None
) -> MailServer:
    """The server that a form describes, in no database: None for `stored` if it is a new one. Without a
    `secret` it has the stored password, which goes only where it was entered for; raises Refused."""
    server = MailServer(name=name, **values, password="", refused_logins="")
    if stored is None:
        return server
    before = {column: getattr(stored, column) for column in SERVERS.columns}
    if stored.password and secret is None:
        refuse_elsewhere(before, values)
        server.password = stored.password
    server.id, server.oauth_account_id = stored.id, stored.oauth_account_id
    if all(before[column] == values[column] for column in DESTINATION):
        server.refused_logins = stored.refused_logins
    return server


def plan_check(
    session: Session,
    server: MailServer,
    recipient: str = "",
    *,
    test_mail_for: str = "",
    password: str = "",
) -> CheckPlan:
    """A check of this server, with an envelope from its first sender (the recipient, if no sender uses it
    yet) to the recipient, if one is given: an address as `checked_address` gives it. `test_mail_for`: who
    asks for a test mail to the recipient; empty for a check that sends nothing. `password`:
    one that was typed."""
    sender = session.scalar(
        select(Sender).where(Sender.mail_server_id == server.id).order_by(Sender.key).limit(1)
    )
    since = now() - timedelta(days=LARGEST_OF_DAYS)
    largest = session.scalar(select(func.max(Attempt.size)).where(Attempt.started_at >= since)) or 0
    envelope = wire_address(sender.envelope_sender or sender.address) if sender else recipient
    mail = b""
    if test_mail_for:
        named = (wire_address(sender.address), sender.display_name) if sender else (recipient, "")
        mail = trial_mail(server.name, named, recipient, test_mail_for)
    return CheckPlan(server, envelope, recipient, largest, mail, password)


def note_check(
    session: Session, actor: str, server: MailServer, checked: CheckedConnection, *, typed: bool = False
) -> None:
    """Note the check in the audit trail, and the test mail if one was sent. `typed`: of what was typed and is
    not saved."""
    said = "the connection works"
    if checked.problem:  # its title is in the reader's language
        is_english = notation.current().language == ENGLISH
        said = checked.problem.title if is_english else checked.problem.cause.replace("_", " ")
    if checked.taken:
        said = f"test mail taken: {checked.taken}"
    if typed:
        said = f"not saved, {server.host}:{server.port}: {said}"
    audit.note(session, actor, "check connection", SERVERS.subject(server.name), said)
