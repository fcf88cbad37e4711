"""Which installation a database belongs to, so that a copy of it cannot mail customers by itself.

The database has a random id, bound to the secret key that all machines of its installation share. A process
that works with another key sends nothing: it may be looking at a copy of a system that still runs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.store.base import Base
from webapp.store.database import FORMER_KEYS, SECRET_KEY
from webapp.store.types import Instant, Json, Key, Money, now
from webapp.translation import N_

HELD = N_(
    "this database was made with another secret key (MAILRUN_SECRET_KEY), so it may be a copy of a system "
    "that still runs. Every run holds still until an administrator takes the copy over"
)
"""Why nothing is sent; the end of a sentence, without its full stop. Where it is shown it is translated."""
CHANGED = N_(
    "the secret key (MAILRUN_SECRET_KEY) was changed, and the one before is known: every run holds still "
    "until `mailrun secrets rotate` has been called, which encrypts what is stored with the new key"
)
"""The same, where a former key is the one that the database is bound to."""


class Installation(Base):
    """The one row. `key_check` shows whether a secret key is the one that the database is bound to, and
    reveals nothing of the key; null until a process binds it. `taken_over_at` is when a person last gave
    the database to another key. `tidied_at` is when mails past their time were last looked for
    (evidence/retention.py), `cleared_at` the same of other personal data (privacy/upkeep.py). `sealed_with`
    has the ids of all keys that values may be sealed with (webapp/sealed.py), `rotated_at` when they
    were last begun to be sealed with another.
    `runs_removed_to` is the highest id of a run that was removed with the demo company: no run has it
    again, since the audit trail names runs by their ids. Above `approval_mails` mails, or an amount of
    `approval_amount` in any currency, a run waits for a second person (lifecycle/approval_limits.py); null:
    no limit. A run that waits for its mail server for `notice_minutes` is told of; `notice_address` is where
    the pages are found, for the links in notices."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("number = 1", name="one_row"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    id: Mapped[str] = mapped_column(String(32))
    key_check: Mapped[str | None] = mapped_column(String(64))
    bound_at: Mapped[datetime | None] = mapped_column(Instant)
    taken_over_at: Mapped[datetime | None] = mapped_column(Instant)
    tidied_at: Mapped[datetime | None] = mapped_column(Instant)
    cleared_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed_with: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    rotated_at: Mapped[datetime | None] = mapped_column(Instant)
    runs_removed_to: Mapped[int] = mapped_column(Key, default=0, server_default="0")
    approval_mails: Mapped[int | None]
    approval_amount: Mapped[Decimal | None] = mapped_column(Money)
    notice_minutes: Mapped[int] = mapped_column(default=15, server_default="15")
    notice_address: Mapped[str] = mapped_column(String(200), default="", server_default="")


def held(session: Session) -> str | None:
    """Why nothing may be sent by this process; None if the database is bound to its secret key, or to none
    yet."""
    row = session.execute(select(Installation.id, Installation.key_check)).one_or_none()
    return held_by(session, *row) if row else None


def held_by(session: Session, id: str, key_check: str | None) -> str | None:
    """The same, for a caller that has already read these two columns of the one row."""
    if key_check is None or hmac.compare_digest(key_check, _check(_own_key(session), id)):
        return None
    if any(hmac.compare_digest(key_check, _check(key, id)) for key in session.info[FORMER_KEYS]):
        return CHANGED
    return HELD


def bind(session: Session) -> None:
    """Binds the database to the secret key of this process, unless it is bound already."""
    id = session.scalar(select(Installation.id))
    if id is not None:
        session.execute(
            update(Installation)
            .where(Installation.key_check.is_(None))
            .values(key_check=_check(_own_key(session), id), bound_at=now())
        )


def rebind(session: Session) -> None:
    """Gives the database to the secret key of this process, under a new id. For a person's decision only."""
    id = secrets.token_hex(16)
    session.execute(
        update(Installation).values(
            id=id, key_check=_check(_own_key(session), id), bound_at=now(), taken_over_at=now()
        )
    )


def rebind_to_newest(session: Session) -> None:
    """Binds the database to the secret key of this process, in the place of a former one: the installation
    stays the same. For `mailrun secrets rotate` only."""
    id = session.scalars(select(Installation.id)).one()
    session.execute(
        update(Installation).values(key_check=_check(_own_key(session), id), bound_at=now(), rotated_at=now())
    )


def note_key(session: Session, key_id: str) -> None:
    """Notes that values may be sealed with this key from now on."""
    noted = session.scalars(select(Installation.sealed_with)).one()
    if key_id not in noted:
        session.execute(update(Installation).values(sealed_with=[*noted, key_id]))


def _own_key(session: Session) -> str:
    return str(session.info[SECRET_KEY])


def _check(secret_key: str, id: str) -> str:
    """Other uses of the key sign other texts, so what one of them shows is of no use to another."""
    return hmac.new(secret_key.encode(), f"mailrun installation {id}".encode(), hashlib.sha256).hexdigest()
