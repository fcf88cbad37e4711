"""How people get in other than by a password of ours: who they are to an OpenID provider, which sessions came
from there; and the tries that were made to log in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base
from webapp.store.types import Instant, Key, now

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
