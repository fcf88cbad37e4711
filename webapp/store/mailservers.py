"""Mail servers, the senders that use them, and the connections that all workers together may hold open."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.statuses import OAuthProvider, OAuthWay, Security, TroubleKind
from webapp.store.types import Instant, Key

CONNECTIONS = 8
"""A mail server's default number of connections. Each round of a worker's connections is one commit, so four
of them cost a message a fifth less than two; Exchange accepts twenty from one machine, postfix fifty."""


class OAuthAccount(Base):
    """What Mailrun logs in with by OAuth 2: for one mail server or several, and for mailboxes.

    `hosts`: the only hosts that its tokens go to, between spaces. `client_secret`: the secret of the client,
    or a service account's private key in PEM; `client_secret`, both tokens and `pending` (a device flow that
    waits for a person) are sealed (webapp/sealed.py). `secret_ends_on`: when the secret ends, as a person has
    entered it. `mailbox`: whom it logs in as, where a server names no other.
    `error`: why the last try to get a token failed. `version` grows with whatever is stored of the account: a
    renewal that began before is not stored. One worker at a time renews: `claim`, until
    `claimed_until` (oauth/tokens.py)."""

    __tablename__ = "oauth_account"
    __table_args__ = (one_of("provider", OAuthProvider), one_of("way", OAuthWay))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    provider: Mapped[str] = mapped_column(String(16))
    way: Mapped[str] = mapped_column(String(24))
    tenant: Mapped[str] = mapped_column(String(255), default="")
    token_url: Mapped[str] = mapped_column(String(1000))
    authorize_url: Mapped[str] = mapped_column(String(1000), default="")
    device_url: Mapped[str] = mapped_column(String(1000), default="")
    hosts: Mapped[str] = mapped_column(String(1000))
    scope: Mapped[str] = mapped_column(String(1000), default="")
    client_id: Mapped[str] = mapped_column(String(255))
    mailbox: Mapped[str] = mapped_column(String(255), default="")
    client_secret: Mapped[str] = mapped_column(Text, default="")
    secret_set_at: Mapped[datetime | None] = mapped_column(Instant)
    secret_ends_on: Mapped[date | None]
    refresh_token: Mapped[str] = mapped_column(Text, default="")
    access_token: Mapped[str] = mapped_column(Text, default="")
    renewed_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    pending: Mapped[str] = mapped_column(Text, default="")
    connected_at: Mapped[datetime | None] = mapped_column(Instant)
    connected_by: Mapped[str] = mapped_column(String(254), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str] = mapped_column(String(32), default="")
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)


class MailServer(Base):
    """`rate_per_minute` counts all mails to this server, `domain_rate_per_minute` those to the addresses of
    any one domain, `recipients_per_day` the addresses of all mails within 24 hours; 0 is no limit.
    `ehlo_name`: our name in EHLO, if it is not the setting's.
    `password`: sealed (webapp/sealed.py); empty if a variable has it, or none is needed.
    `authorities`: certificates in PEM that its own may be issued by, beside those that the machine knows.
    `refused_logins`: login mechanisms that this server offers and does not carry out, between spaces.
    `oauth_account_id`: what it logs in with instead of a password.
    `trouble` and what follows say that the server itself is the problem: all its runs wait until
    `next_try_at`. Until `greylisted_until`, refusals of the class `greylisted_as` are about single messages
    (mailservers/refusals.py)."""

    __tablename__ = "mail_server"
    __table_args__ = (
        one_of("security", Security),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        CheckConstraint("max_connections >= 1", name="max_connections"),
        CheckConstraint("rate_per_minute >= 0", name="rate_per_minute"),
        one_of("trouble_kind", TroubleKind),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    security: Mapped[str] = mapped_column(String(16))
    username: Mapped[str] = mapped_column(String(255), default="")
    password_env: Mapped[str] = mapped_column(String(255), default="")
    password: Mapped[str] = mapped_column(Text, default="", server_default="")
    rate_per_minute: Mapped[int] = mapped_column(default=0)
    domain_rate_per_minute: Mapped[int] = mapped_column(default=0, server_default="0")
    max_connections: Mapped[int] = mapped_column(default=CONNECTIONS)
    ehlo_name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    authorities: Mapped[str] = mapped_column(Text, default="", server_default="")
    refused_logins: Mapped[str] = mapped_column(String(255), default="", server_default="")
    recipients_per_day: Mapped[int] = mapped_column(default=0, server_default="0")
    oauth_account_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_account.id"), index=True)
    trouble: Mapped[str | None] = mapped_column(Text)
    trouble_kind: Mapped[str] = mapped_column(
        String(16), default=TroubleKind.PASSING, server_default=TroubleKind.PASSING
    )
    trouble_since: Mapped[datetime | None] = mapped_column(Instant)
    trouble_count: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    greylisted_as: Mapped[str] = mapped_column(Text, default="", server_default="")
    greylisted_until: Mapped[datetime | None] = mapped_column(Instant)


class MailPace(Base):
    """How fast a mail server that throttles is offered mails, by all workers together: all mails (`domain`
    empty), or those to one recipient domain. `reply`: what the server said last. The other columns are those
    of mailservers/pace.py; a row no longer counts an hour after `refused_at`."""

    __tablename__ = "mail_pace"

    mail_server_id: Mapped[int] = mapped_column(
        ForeignKey("mail_server.id", ondelete="CASCADE"), primary_key=True
    )
    domain: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    reply: Mapped[str] = mapped_column(Text)
    per_second: Mapped[float]
    ceiling: Mapped[float]
    opened_at: Mapped[datetime] = mapped_column(Instant)
    next_at: Mapped[datetime] = mapped_column(Instant)
    grown_at: Mapped[datetime] = mapped_column(Instant)
    refused_at: Mapped[datetime] = mapped_column(Instant)
    taken: Mapped[int] = mapped_column(default=0)
    shut_at: Mapped[datetime | None] = mapped_column(Instant)
    probes: Mapped[int] = mapped_column(default=0)
    cycle: Mapped[float] = mapped_column(default=0.0)


class RefusedResult(Base):
    """A result whose message a mail server refused for now within the last hour, and may not be to blame.

    `refusal_class`: what the refusal says, without what differs from message to message. `is_trial`: it is
    tried again before the others, to find out why. `apart`: how often it was refused though the server had
    begun to accept others since its last refusal (`last_at`). There is no key to the result: rows live for an
    hour, and results may be deleted without a look at them."""

    __tablename__ = "refused_result"

    mail_server_id: Mapped[int] = mapped_column(
        ForeignKey("mail_server.id", ondelete="CASCADE"), primary_key=True
    )
    result_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(Key)
    domain: Mapped[str] = mapped_column(String(255))
    refusal_class: Mapped[str] = mapped_column(Text)
    is_trial: Mapped[bool] = mapped_column(default=False)
    apart: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)


FOR_NOTICES = text("for_notices")


class Sender(Base):
    """Who mails come from. `for_notices`: notices to users come from this one; at most one has it.
    `mailbox_id`: the mailbox that reads what comes back to the envelope sender; each mail then has an address
    of its own to come back to (mailing/return_address.py)."""

    __tablename__ = "sender"
    __table_args__ = (
        Index("uq_sender_for_notices", "for_notices", unique=True, sqlite_where=FOR_NOTICES,
              postgresql_where=FOR_NOTICES),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    envelope_sender: Mapped[str] = mapped_column(String(254), default="")
    mail_server_id: Mapped[int] = mapped_column(ForeignKey("mail_server.id"), index=True)
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"), index=True)
    for_notices: Mapped[bool] = mapped_column(default=False, server_default=false())
    mail_server: Mapped[MailServer] = relationship()


class ConnectionSlot(Base):
    """One of a mail server's `max_connections`. Held by at most one worker; given back with the worker's
    claims."""

    __tablename__ = "connection_slot"

    mail_server_id: Mapped[int] = mapped_column(
        ForeignKey("mail_server.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"), index=True)
    token: Mapped[str | None] = mapped_column(String(32))
