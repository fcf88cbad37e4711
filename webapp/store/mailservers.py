"""Mail servers, the senders that use them, and the connections that all workers together may hold open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.statuses import Security, TroubleKind
from webapp.store.types import Instant, Key

CONNECTIONS = 8
"""A mail server's default number of connections. Each round of a worker's connections is one commit, so four
of them cost a message a fifth less than two; Exchange accepts twenty from one machine, postfix fifty."""


class MailServer(Base):
    """`rate_per_minute` counts all mails to this server, `domain_rate_per_minute` those to the addresses of
    any one domain; 0 is no limit. `ehlo_name`: our name in EHLO, if it is not the setting's.
    `password`: sealed (webapp/sealed.py); empty if a variable has it, or none is needed.
    `authorities`: certificates in PEM that its own may be issued by, beside those that the machine knows.
    `refused_logins`: login mechanisms that this server offers and does not carry out, between spaces.
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
    taken_in_all: Mapped[int] = mapped_column(default=0)
    shut_at: Mapped[datetime | None] = mapped_column(Instant)
    probes: Mapped[int] = mapped_column(default=0)
    cycle: Mapped[float] = mapped_column(default=0.0)


class RefusedResult(Base):
    """A result whose message a mail server refused for now within the last hour, and may not be to blame.

    `refusal_class`: what the refusal says, without what differs from message to message. `is_trial`: it is
    tried again before the others, to find out why. `apart`: how often it was refused though others had been
    accepted since its last refusal, when the pace's `taken_in_all` was `taken_before`. There is no key to the
    result: rows live for an hour, and results may be deleted without a look at them."""

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
    taken_before: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)


class Sender(Base):
    """`mailbox_id`: the mailbox that reads what comes back to the envelope sender; each mail then has an
    address of its own to come back to (mailing/return_address.py)."""

    __tablename__ = "sender"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    envelope_sender: Mapped[str] = mapped_column(String(254), default="")
    mail_server_id: Mapped[int] = mapped_column(ForeignKey("mail_server.id"), index=True)
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"), index=True)
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
