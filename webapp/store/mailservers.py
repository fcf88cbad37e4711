"""Mail servers, the senders that use them, and the connections that all workers together may hold open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.statuses import Security
from webapp.store.types import Instant, Key

CONNECTIONS = 8
"""A mail server's default number of connections. Each round of a worker's connections is one commit, so four
of them cost a message a fifth less than two; Exchange accepts twenty from one machine, postfix fifty."""


class MailServer(Base):
    """`rate_per_minute` counts all mails to this server, `domain_rate_per_minute` those to the addresses of
    any one domain; 0 is no limit. `trouble` and what follows say that the server itself is the problem: all
    its runs wait until `next_try_at`."""

    __tablename__ = "mail_server"
    __table_args__ = (
        one_of("security", Security),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        CheckConstraint("max_connections >= 1", name="max_connections"),
        CheckConstraint("rate_per_minute >= 0", name="rate_per_minute"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    security: Mapped[str] = mapped_column(String(16))
    username: Mapped[str] = mapped_column(String(255), default="")
    password_env: Mapped[str] = mapped_column(String(255), default="")
    rate_per_minute: Mapped[int] = mapped_column(default=0)
    domain_rate_per_minute: Mapped[int] = mapped_column(default=0, server_default="0")
    max_connections: Mapped[int] = mapped_column(default=CONNECTIONS)
    trouble: Mapped[str | None] = mapped_column(Text)
    trouble_since: Mapped[datetime | None] = mapped_column(Instant)
    trouble_count: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)


class Sender(Base):
    __tablename__ = "sender"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    envelope_sender: Mapped[str] = mapped_column(String(254), default="")
    mail_server_id: Mapped[int] = mapped_column(ForeignKey("mail_server.id"), index=True)
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
