"""Who works with Mailrun, what they may see, what they did, what they changed against the source, and what
they uploaded to be imported."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.statuses import ImportState, Role, SourceSubject
from webapp.store.types import Instant, Json, Key, now

SESSION_IDLE_MAX = timedelta(hours=12)
SESSION_MAX = timedelta(days=7)
"""A login is over when it was not used for the first, and in any case after the second."""


class User(Base):
    """`session_key` is part of every login cookie: changing it ends all sessions of the user. An empty
    `password_hash` fits no password: the user is invited. `may_send` and `may_approve` are the rights to send
    and to approve runs of others, which a role alone does not give. `time_zone` to `shortcuts`: how the
    person reads (webapp/notation.py)."""

    __tablename__ = "user_account"
    __table_args__ = (one_of("role", Role),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    session_key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant, default=now)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    may_send: Mapped[bool] = mapped_column(default=False, server_default=false())
    may_approve: Mapped[bool] = mapped_column(default=False, server_default=false())
    language: Mapped[str] = mapped_column(String(8), default="", server_default="en")
    time_zone: Mapped[str] = mapped_column(String(64), default="", server_default="")
    date_style: Mapped[str] = mapped_column(String(16), default="words", server_default="words")
    number_style: Mapped[str] = mapped_column(String(16), default="language", server_default="comma")
    shortcuts: Mapped[bool] = mapped_column(default=True, server_default=true())

    bound_to: Mapped[list[UserCluster]] = relationship(viewonly=True)


class UserCluster(Base):
    """A user bound to clusters sees these and all below them; one bound to none sees everything."""

    __tablename__ = "user_cluster"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True)


class UserSession(Base):
    """A login that is open: one browser. The cookie has the key, this row only its hash; without the row the
    cookie opens nothing. `seen_at` is exact to the minute, `device` is in words (web/devices.py)."""

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now)
    seen_at: Mapped[datetime] = mapped_column(Instant, default=now)
    device: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(64))


class UserLink(Base):
    """The one link by which a user sets a password: an invitation, or a reset. Of the token only the hash is
    kept. A newer link takes the row; using it deletes the row. `logs_in`: by it the user logs in, and sets no
    password."""

    __tablename__ = "user_link"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    logs_in: Mapped[bool] = mapped_column(default=False, server_default=false())


class AuditEntry(Base):
    """Who did what, when and from where. Only ever added to: triggers refuse to change or delete what is in
    the chain (webapp/audit_chain.py).

    `number` counts without gaps, in the order of the commits; `id` does not. `hash` is of the entry and of
    the hash before it; empty in entries from before there was a chain. `salt` goes into it before the
    detail. Where the detail was erased, `erased` has the digest that stands in its place, and the salt is
    gone."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("uq_audit_entry_number", "number", unique=True),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, default=now)
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    detail: Mapped[str] = mapped_column(Text, default="")
    origin: Mapped[str] = mapped_column(String(120), server_default="")
    number: Mapped[int | None] = mapped_column(Key)
    salt: Mapped[str] = mapped_column(String(32), server_default="")
    hash: Mapped[str] = mapped_column(String(64), server_default="")
    erased: Mapped[str] = mapped_column(String(64), server_default="")


class AuditChain(Base):
    """The end of the chain, in the one row: the number and hash of the last entry, and a code that only a
    process with the chain's key can make of both. The entries up to `begins_after` are from before the
    chain. `checked_at` to `problem`: when the chain was last verified, up to which entry, which one was
    broken, and how."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("one = 1", name="one_row"),)

    one: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    last: Mapped[int] = mapped_column(Key, default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")
    code: Mapped[str] = mapped_column(String(64), default="")
    begins_after: Mapped[int] = mapped_column(Key, default=0)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    checked_to: Mapped[int] = mapped_column(Key, default=0)
    broken: Mapped[int | None] = mapped_column(Key)
    problem: Mapped[str] = mapped_column(Text, default="")


class AuditKey(Base):
    """A key of the chain, for the entries from this number on: random, sealed with the secret key
    (webapp/sealed.py). There is a second one only where a process could not open the first."""

    __tablename__ = "audit_key"

    from_number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    sealed: Mapped[str] = mapped_column(Text)


class AuditStub(Base):
    """What stands in the place of entries that were let go: how many, from when to when, and the hash that
    the chain goes on from, signed with its key."""

    __tablename__ = "audit_stub"

    released_to: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(64))
    entries: Mapped[int] = mapped_column(Key)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)


class SourceValue(Base):
    """What the source said last of a value that a person has changed since (webapp/sources.py). A row exists
    only for such a value. `field` is the name of the column, or
    `metadata.<name>`, `data.<name>`, `emails.<recipient key>`, `documents.<transformation>` or `parents`.

    The value of a set is the sorted list of its rows: [address, display name], [file name, SHA-256], or the
    parent's tag name. A value that the source has never said has no row: what it says first is new, and
    wins."""

    __tablename__ = "source_value"
    __table_args__ = (one_of("subject", SourceSubject),)

    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    field: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json, nullable=True)


class FormKey(Base):
    """A form's one-use key, stored in the same commit as the effect of the form: a second press finds it
    taken.

    `answer` is where the first press led to, so that the second can be led there too.
    """

    __tablename__ = "form_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(Instant, default=now)
    answer: Mapped[str] = mapped_column(String(200), default="")


class ImportSet(Base):
    """An upload: a ZIP, or several files. The files are in a `folder` (intake/set_folders.py) until
    `files_gone_at`; this row, the history, stays.

    `files` has an object for each CSV file (intake/uploaded_files.py), `documents` the transformation that
    documents of each type belong to. `worker_id` is the worker that checks or applies it now. `summary` is
    what the check found, or the import did; `problem` why it failed. `removals`: how many addresses and
    documents may go. `language` is the reader's who uploaded it."""

    __tablename__ = "import_set"
    __table_args__ = (one_of("state", ImportState),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    made_by: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(8), default="en")
    folder: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Key)
    state: Mapped[str] = mapped_column(String(16))
    files: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    documents: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    summary: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    problem: Mapped[str] = mapped_column(Text, default="")
    removals: Mapped[int | None]
    worker_id: Mapped[int | None] = mapped_column(Key)
    changed_at: Mapped[datetime] = mapped_column(Instant, default=now)
    changed_by: Mapped[str] = mapped_column(String(254))
    files_gone_at: Mapped[datetime | None] = mapped_column(Instant)


class ImportMapping(Base):
    """What the columns of files with this header are: chosen once, taken again for the next such file."""

    __tablename__ = "import_mapping"

    header_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    columns: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    fixed: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    saved_at: Mapped[datetime] = mapped_column(Instant, default=now)
    saved_by: Mapped[str] = mapped_column(String(254))
