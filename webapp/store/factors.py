"""What people log in with besides a password, and how often they have tried."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, LargeBinary, String, Text, UniqueConstraint, exists, or_
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base
from webapp.store.types import Instant, Key, now
from webapp.store.users import User


class AuthenticatorApp(Base):
    """The authenticator app of a user. `secret` is sealed (webapp/sealed.py); empty until a first code has
    confirmed it. `last_step` is that of the last code that was taken: no code counts twice. `pending` is a
    secret, sealed, that no code has confirmed yet."""

    __tablename__ = "authenticator_app"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str] = mapped_column(Text, default="")
    last_step: Mapped[int] = mapped_column(Key, default=0)
    set_up_at: Mapped[datetime | None] = mapped_column(Instant)
    pending: Mapped[str] = mapped_column(Text, default="")
    pending_at: Mapped[datetime | None] = mapped_column(Instant)


class Passkey(Base):
    """A passkey of a user, for the pages under the name `rp_id`. `user_handle` is what the authenticator
    calls the user. `sign_count` is what the authenticator said
    last; 0 from one that does not count."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(Text, unique=True)
    user_handle: Mapped[str] = mapped_column(String(64))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(Key, default=0)
    rp_id: Mapped[str] = mapped_column(String(253))
    name: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class RecoveryCode(Base):
    """A code that stands in once for a lost phone. Only its hash is kept; a used one stays until new ones
    are made."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


def has_factor() -> ColumnElement[bool]:
    """Whether the current User has a second factor: an authenticator app, or a passkey."""
    app = exists().where(AuthenticatorApp.user_id == User.id, AuthenticatorApp.secret != "")
    return or_(app, exists().where(Passkey.user_id == User.id))
