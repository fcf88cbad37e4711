"""How people get in other than by a password of ours: who they are to an OpenID provider, which sessions came
from there, their second factors; and the tries that were made to log in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    exists,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base
from webapp.store.types import Instant, Key, now
from webapp.store.users import User

ISSUER_MAX, SUBJECT_MAX = 255, 255
"""Characters: OpenID Connect Core 1.0, section 2, allows a subject this many."""


class UserIdentity(Base):
    """Who a user is to an OpenID provider: its issuer and its subject, which stay when an address does not.
    A user has one identity at an issuer. `email` is what the provider said last."""

    __tablename__ = "user_identity"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="uq_user_identity_issuer_subject"),
        UniqueConstraint("user_id", "issuer", name="uq_user_identity_user_id_issuer"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    issuer: Mapped[str] = mapped_column(String(ISSUER_MAX))
    subject: Mapped[str] = mapped_column(String(SUBJECT_MAX))
    email: Mapped[str] = mapped_column(String(254))
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    seen_at: Mapped[datetime] = mapped_column(Instant, default=now)


class SignedOnSession(Base):
    """A session that came by sign-on, with the ID token, which the provider wants to see at logout: up to a
    few kilobytes, too large for a cookie. It opens nothing and is gone with its session."""

    __tablename__ = "signed_on_session"

    session_id: Mapped[int] = mapped_column(
        ForeignKey("user_session.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    id_token: Mapped[str] = mapped_column(Text)


class LoginTry(Base):
    """A try to log in, as the limits count it (users/try_counts.py). `counted_for`: the hash of what it
    counts against, so that a copy of the database tells no addresses of strangers."""

    __tablename__ = "login_try"
    __table_args__ = (Index("ix_login_try_counted_for_at", "counted_for", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    counted_for: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant, default=now, index=True)


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
