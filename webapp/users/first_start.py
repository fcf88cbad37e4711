"""The first start: without any user, a page makes the first administrator, for the person who can read the
terminal.

The code that it asks for follows from the secret key and the database's id: every process of the installation
knows it, and it is stored nowhere. As soon as there is a user, it opens nothing any more."""

from __future__ import annotations

import base64
import hashlib
import hmac

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import Refused
from webapp.store.database import SECRET_KEY
from webapp.store.installation import Installation
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users.accounts import create_user

PART = 4
"""Letters between two dashes of a code that has three such parts: 60 bits."""
CLOSED = N_(
    "There is a user already, so this page is closed. Log in, or ask an administrator for an account."
)
WRONG_CODE = N_(
    "This is not the code. It is printed in the terminal when Mailrun starts; `mailrun users setup-code` "
    "prints it again."
)


class Closed(Refused):
    """There is a user already."""


class WrongCode(Refused):
    """The code is not the one of this installation."""


def is_open(session: Session) -> bool:
    """Whether there is no user yet."""
    return session.scalar(select(User.id).limit(1)) is None


def code(session: Session) -> str:
    """The code of this installation: K7QX-9M2P-ABCD"""
    id = session.scalars(select(Installation.id)).one()
    key = str(session.info[SECRET_KEY]).encode()
    digest = hmac.new(key, f"mailrun first start {id}".encode(), hashlib.sha256).digest()
    letters = base64.b32encode(digest).decode()
    return "-".join(letters[start : start + PART] for start in range(0, 3 * PART, PART))


def make_administrator(session: Session, given: str, email: str, name: str, password: str) -> User:
    """Make the first administrator; needs a writing session. Of two at once, the second waits for the first
    one's commit and finds the page closed. Raises Closed, WrongCode, or Refused for a bad address or a short
    password."""
    session.execute(select(Installation.number).with_for_update()).all()
    if not is_open(session):
        raise Closed(_(CLOSED))
    typed = "".join(letter for letter in given.upper() if letter.isalnum())
    if not hmac.compare_digest(typed.encode(), code(session).replace("-", "").encode()):
        raise WrongCode(_(WRONG_CODE))
    user = create_user(session, email, password, Role.ADMIN, name)
    audit.note(session, user.email, "first administrator", user.email, "made with the code of the terminal")
    return user
