"""The authenticator app: codes of six digits that follow from a secret and the time (TOTP, RFC 6238).

The secret is stored sealed (webapp/sealed.py) for the user's id, and counts once a first code has shown that
the app has it. A code counts once: the step of the last one is stored, and it and earlier ones are refused
(RFC 6238, section 5.2)."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pyotp
import segno
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.errors import Refused
from webapp.store.dialects import insert_into
from webapp.store.logins import AuthenticatorApp
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import N_, _

FIELD = "TOTP secret"
ISSUER = "Mailrun"
STEP_SECONDS = 30
STEPS_AROUND = 1
"""Steps before and after the present one whose codes are taken: clocks differ, and typing takes time."""
PENDING_MAX = timedelta(minutes=30)
NOT_BEGUN = N_("the secret that was shown is older than 30 minutes: start again")
UNREADABLE = N_("the secret of this app cannot be read: %(why)s")


def begin(session: Session, user: User) -> None:
    """Make a secret for this user, which counts once a code confirms it. An app that is set up already
    counts until then. Raises Refused if the database belongs to another secret key."""
    secret = sealed.get_ready(session).seal(_code(user.id), FIELD, pyotp.random_base32())
    values = {"pending": secret, "pending_at": now()}
    session.execute(
        insert_into(session, AuthenticatorApp)
        .values(user_id=user.id, secret="", last_step=0, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )


def pending_secret(session: Session, user: User) -> str:
    """The secret that waits for its first code; empty if there is none, or it waited for too long."""
    app = session.get(AuthenticatorApp, user.id)
    if app is None or not app.pending or app.pending_at is None or now() - app.pending_at > PENDING_MAX:
        return ""
    try:
        return _opened(session, user.id, app.pending)
    except Refused:
        return ""


def confirm(session: Session, user: User, typed: str) -> bool:
    """Have the pending secret count from now on, if this is a code of it; returns whether it is. Raises
    Refused if none is pending."""
    secret = pending_secret(session, user)
    if not secret:
        raise Refused(_(NOT_BEGUN))
    step = _step_of(secret, typed, 0)
    if step is None:
        return False
    session.execute(
        update(AuthenticatorApp)
        .where(AuthenticatorApp.user_id == user.id)
        .values(
            secret=AuthenticatorApp.pending,
            last_step=step,
            set_up_at=now(),
            pending="",
            pending_at=None,
        )
    )
    return True


def check(session: Session, user_id: int, typed: str) -> bool:
    """Whether this is a code of the user's app that was not used yet; it is used then. Of two at once with
    the same code one finds it used. Raises Refused if the secret cannot be read."""
    row = session.execute(
        select(AuthenticatorApp.secret, AuthenticatorApp.last_step).where(
            AuthenticatorApp.user_id == user_id, AuthenticatorApp.secret != ""
        )
    ).one_or_none()
    if row is None:
        return False
    step = _step_of(_opened(session, user_id, row.secret), typed, row.last_step)
    if step is None:
        return False
    using = (
        update(AuthenticatorApp)
        .where(AuthenticatorApp.user_id == user_id, AuthenticatorApp.last_step < step)
        .values(last_step=step)
        .returning(AuthenticatorApp.user_id)
    )
    return session.scalar(using) is not None


def remove(session: Session, user_id: int) -> bool:
    """Forget the user's app, and a secret that waits; returns whether an app was set up."""
    removing = delete(AuthenticatorApp).where(AuthenticatorApp.user_id == user_id)
    return bool(session.scalar(removing.returning(AuthenticatorApp.secret)))


def address(secret: str, email: str) -> str:
    """What an app reads from the QR code."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))


def picture(text: str) -> str:
    """The text as a QR code: an SVG to be put into a page, dark on white in every theme, since that is what
    cameras read."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, scale=5, border=4, dark="#000", light="#fff"
    )
    return drawn.getvalue().decode()


def seal_again(session: Session) -> tuple[int, list[str]]:
    """Seal all secrets with the newest key; return how many were sealed, and whose cannot be opened with any
    key of this process: these stay as they are."""
    keys, done, unreadable = sealed.keys_of(session), 0, []
    rows = session.execute(
        select(AuthenticatorApp, User.email)
        .join(User, User.id == AuthenticatorApp.user_id)
        .order_by(AuthenticatorApp.user_id)
        .with_for_update(of=AuthenticatorApp)
    )
    for app, email in rows:
        for column in ("secret", "pending"):
            stored = getattr(app, column)
            if not stored or keys.is_newest(stored):
                continue
            try:
                text = keys.open(_code(app.user_id), FIELD, stored)
            except sealed.CannotOpen:
                unreadable.append(_("authenticator app of %(email)s", email=email))
                continue
            setattr(app, column, keys.seal(_code(app.user_id), FIELD, text))
            done += 1
    return done, unreadable


def _code(user_id: int) -> str:
    return f"user {user_id}"


def _opened(session: Session, user_id: int, stored: str) -> str:
    try:
        return sealed.keys_of(session).open(_code(user_id), FIELD, stored)
    except sealed.CannotOpen as why:
        raise Refused(_(UNREADABLE, why=str(why))) from None


def _step_of(secret: str, typed: str, last_step: int) -> int | None:
    """The step after `last_step` whose code this is; None if it is none's."""
    code = "".join(typed.split())
    if not (code.isascii() and code.isdecimal()):
        return None
    totp, present = pyotp.TOTP(secret, interval=STEP_SECONDS), int(time.time()) // STEP_SECONDS
    steps = range(present - STEPS_AROUND, present + STEPS_AROUND + 1)
    # Each is compared, in constant time (pyotp): how long it takes tells nothing of the code.
    fitting = [step for step in steps if pyotp.utils.strings_equal(totp.generate_otp(step), code)]
    return next((step for step in fitting if step > last_step), None)
