"""What an authenticator app shows, and a user who has one."""

from __future__ import annotations

import pyotp
from sqlalchemy import select

from tests.http_client import PASSWORD
from webapp.extensions import Runtime
from webapp.factors import authenticator
from webapp.factors.authenticator import STEP_SECONDS
from webapp.store.users import User
from webapp.users.accounts import create_user


def code(secret: str, steps: int = 0) -> str:
    """What the app shows, this many steps from now."""
    return pyotp.TOTP(secret).at(int(vars(authenticator)["time"].time()) + steps * STEP_SECONDS)


def set_up(runtime: Runtime, email: str = "ann@example.com") -> tuple[int, str]:
    """A user whose app is set up: id and secret. The code of the step before is used up by that."""
    with runtime.database.writing() as session:
        user = session.scalar(select(User).where(User.email == email)) or create_user(
            session, email, PASSWORD, "manager"
        )
        authenticator.begin(session, user)
        secret = authenticator.pending_secret(session, user)
        assert authenticator.confirm(session, user, code(secret, -1))
        return user.id, secret
