"""Mailboxes that mails come back to, and every mail that was read in one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base, one_of
from webapp.store.statuses import Security
from webapp.store.types import Instant, Json, Key, now

MINUTES = 5
"""A mailbox's default pause between two readings."""


class MailboxKind(StrEnum):
    """`port`: one of Mailrun's own, which takes mails by SMTP or LMTP (bounces/listening.py)."""

    IMAP = "imap"
    POP3 = "pop3"
    MAILDIR = "maildir"
    PORT = "port"


class MailKind(StrEnum):
    """What a returned mail is. `delivered`: a report that says that a mail arrived, or went on to a server
    that reports no more. `other`: what none of these rules knows."""

    BOUNCE = "bounce"
    DELAY = "delay"
    DELIVERED = "delivered"
    AUTO_REPLY = "auto_reply"
    REPLY = "reply"
    COMPLAINT = "complaint"
    OTHER = "other"


class ReturnState(StrEnum):
    """`counted`: it needs no person, and changes nothing. `unmatched`: it waits for a person, who says which
    mail it is of (`matched`), or that it is none of ours to act on (`dismissed`)."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    COUNTED = "counted"
    DISMISSED = "dismissed"


class MatchedBy(StrEnum):
    """What named the mail that came back. Only a person, or what this installation has signed, does."""

    NOTHING = ""
    RETURN_ADDRESS = "return_address"
    ENVELOPE_ID = "envelope_id"
    PERSON = "person"


class GuessGround(StrEnum):
    """Why an unmatched mail may be of a result."""

    NOTHING = ""
    RETURN_ADDRESS = "return_address"
    MESSAGE_ID = "message_id"
    ADDRESS = "address"


class ReturnEffect(StrEnum):
    """What a returned mail changed. `bounced`: the result's status. `warned`: its warning. `noted`: nothing
    but that the result shows it."""

    NOTHING = ""
    BOUNCED = "bounced"
    WARNED = "warned"
    NOTED = "noted"


class Mailbox(Base):
    """Where mails come back to. `host` and `port`: of its server; of a port of Mailrun's own, where it
    listens. `folder`: of an IMAP server, or the path of a Maildir; what has been read is moved to
    `done_folder`, and deleted from a POP3 server, which has no folders. `password`: sealed
    (webapp/sealed.py).

    `oauth_account_id`: what it logs in with instead of a password; IMAP only.

    A worker that reads holds it by `reader` until `reading_until`, which each mail moves on. `trouble`: why
    the last reading failed; null: it did not."""

    __tablename__ = "mailbox"
    __table_args__ = (
        one_of("kind", MailboxKind),
        one_of("security", Security),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        CheckConstraint("every_minutes BETWEEN 1 AND 1440", name="every_minutes"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(255), default="")
    port: Mapped[int] = mapped_column(default=993)
    security: Mapped[str] = mapped_column(String(16), default=Security.TLS)
    username: Mapped[str] = mapped_column(String(255), default="")
    password: Mapped[str] = mapped_column(Text, default="")
    oauth_account_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_account.id"), index=True)
    authorities: Mapped[str] = mapped_column(Text, default="")
    folder: Mapped[str] = mapped_column(String(1000), default="INBOX")
    done_folder: Mapped[str] = mapped_column(String(255), default="")
    every_minutes: Mapped[int] = mapped_column(default=MINUTES)
    last_read_at: Mapped[datetime | None] = mapped_column(Instant)
    next_read_at: Mapped[datetime | None] = mapped_column(Instant)
    trouble: Mapped[str | None] = mapped_column(Text)
    trouble_since: Mapped[datetime | None] = mapped_column(Instant)
    reader: Mapped[str] = mapped_column(String(32), default="")
    reading_until: Mapped[datetime | None] = mapped_column(Instant)


UNMATCHED = text("state = 'unmatched'")
BOUNCED = text("effect = 'bounced'")


class ReturnedMail(Base):
    """A mail that was read in a mailbox: stored once, by the SHA-256 of its bytes, in the commit of what it
    changed. `raw`: its bytes, compressed; null once they are deleted. `size`: how many they were.

    `recipient` to `server` are what it says of the first recipient that it is about (`code` as in RFC 3463),
    `recipients` what it says of all. `result_id` and `attempt_number`: the mail that came back;
    `guess_result_id`: the one that it may be, of `guess_count` that fit."""

    __tablename__ = "returned_mail"
    __table_args__ = (
        one_of("kind", MailKind),
        one_of("state", ReturnState),
        one_of("matched_by", MatchedBy),
        one_of("guess_ground", GuessGround),
        one_of("effect", ReturnEffect),
        CheckConstraint("state <> 'matched' OR result_id IS NOT NULL", name="matched_has_a_result"),
        Index("ix_returned_mail_unmatched", "id", sqlite_where=UNMATCHED, postgresql_where=UNMATCHED),
        Index("ix_returned_mail_bounced", "result_id", sqlite_where=BOUNCED, postgresql_where=BOUNCED),
        Index("ix_returned_mail_result_id", "result_id"),
        Index("ix_returned_mail_read_at", "read_at", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id", ondelete="SET NULL"), index=True)
    read_at: Mapped[datetime] = mapped_column(Instant, default=now)
    sent_from: Mapped[str] = mapped_column(String(320), default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(default=0)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(320), default="")
    code: Mapped[str] = mapped_column(String(16), default="")
    reply: Mapped[str] = mapped_column(Text, default="")
    server: Mapped[str] = mapped_column(String(255), default="")
    recipients: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    state: Mapped[str] = mapped_column(String(16))
    matched_by: Mapped[str] = mapped_column(String(16), default=MatchedBy.NOTHING)
    effect: Mapped[str] = mapped_column(String(16), default=ReturnEffect.NOTHING)
    result_id: Mapped[int | None] = mapped_column(ForeignKey("result.id"))
    attempt_number: Mapped[int | None]
    guess_result_id: Mapped[int | None] = mapped_column(Key)
    guess_ground: Mapped[str] = mapped_column(String(16), default=GuessGround.NOTHING)
    guess_count: Mapped[int] = mapped_column(default=0)
    decided_by: Mapped[str] = mapped_column(String(254), default="")
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
