"""What a user has as a second factor, all kinds together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.factors import authenticator, passkeys, recovery
from webapp.store.logins import AuthenticatorApp, Passkey, has_factor
from webapp.store.users import User
from webapp.translation import _, ngettext


@dataclass(frozen=True)
class HeldFactors:
    """`app_since`: when the authenticator app was set up, None without one; `codes_left`: recovery codes that
    were not used."""

    app_since: datetime | None
    passkeys: Sequence[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor; recovery codes alone are none."""
        return self.app_since is not None or bool(self.passkeys)

    @property
    def is_last(self) -> bool:
        """Whether there is one, and no other beside it."""
        return (self.app_since is not None) + len(self.passkeys) == 1

    @property
    def words(self) -> str:
        """Which these are, in words; empty without any."""
        n = len(self.passkeys)
        app = _("an authenticator app") if self.app_since else ""
        keys = ngettext("%(num)s passkey", "%(num)s passkeys", n) if n else ""
        return _("%(one)s and %(other)s", one=app, other=keys) if app and keys else app or keys


def of_user(session: Session, user_id: int) -> HeldFactors:
    """What this user has."""
    app = session.get(AuthenticatorApp, user_id, populate_existing=True)
    since = app.set_up_at if app and app.secret else None
    return HeldFactors(since, passkeys.of_user(session, user_id), recovery.left(session, user_id))


def has_any(session: Session, user_id: int) -> bool:
    """Whether this user has a second factor, and so is asked for it."""
    return bool(session.scalar(select(has_factor()).where(User.id == user_id)))


def remove_all(session: Session, user_id: int) -> str:
    """Remove everything of this user; returns what it was, in words, empty for nothing."""
    had = of_user(session, user_id).words
    authenticator.remove(session, user_id)
    passkeys.remove_all(session, user_id)
    recovery.remove(session, user_id)
    return had


def void_idle_codes(session: Session, user_id: int) -> None:
    """Void the recovery codes of a user who has no factor any more."""
    if not has_any(session, user_id):
        recovery.remove(session, user_id)
