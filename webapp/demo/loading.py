"""Loads the demo company, once, and keeps the way in: a login with a password of this installation's own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.definitions import pictures
from webapp.demo import company, folder, own_data
from webapp.documents import document_checks
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.store.customers import Customer
from webapp.store.mailservers import MailServer
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.translation import _
from webapp.users import accounts

EMAIL = "demo@noordlicht.example"
DEMO_NAME = "Marit Hoving"
LOADER = Viewer(name=own_data.ACTOR, role=Role.ADMIN)
SERVER = "Mail catcher"
LOGO = Path(__file__).parent / "logo.png"


def load(runtime: Runtime, today: date, say: Callable[[str], None]) -> None:
    """Loads the demo company into an empty database, and says so; leaves any other as it is.

    1. Without customers and users: keep a new password, import the company's folder (all or nothing).
    2. Without users, but with a password kept: make the demo user. So a crash between the two is made good
       at the next call.
    3. A kept password that opens nothing any more is forgotten. The demo's mail server follows the catcher.
    """
    home = runtime.settings.home
    with runtime.database.reading() as session:
        users, customers = _any(session, select(User.id)), _any(session, select(Customer.id))
    if not users and not customers:
        say(_("Loading the demo company, %(name)s (once, some seconds).", name=company.ROOT))
        _keep_login(home, secrets.token_urlsafe(12))
        _import(runtime, home / "demo_folder", today)
    if not users:
        _let_in(runtime)
    with runtime.database.writing() as session:
        _forget_dead_login(session, home)
        _follow_catcher(session, runtime.settings.catcher_port)


def login(home: Path) -> tuple[str, str] | None:
    """Email and password of the demo user, as long as they work."""
    try:
        email, _space, password = _login_file(home).read_text().strip().partition(" ")
    except FileNotFoundError:
        return None
    return email, password


def _import(runtime: Runtime, aside: Path, today: date) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    try:
        folder.write(aside, today, runtime.settings.catcher_port)
        import_folder(runtime.database, runtime.documents, aside, actor=own_data.ACTOR)
        document_checks.check(runtime.database, runtime.documents)
        logo = pictures.store(runtime.documents, own_data.LOGO, LOGO.read_bytes())
        with runtime.database.writing() as session:
            pictures.save(session, LOADER, logo)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _let_in(runtime: Runtime) -> None:
    """Makes the demo user with the password that was kept, if one was."""
    kept = login(runtime.settings.home)
    if kept is None:
        return
    suspended = [customer.code for customer in company.customers() if customer.suspended]
    with runtime.database.writing() as session:
        session.execute(update(Customer).where(Customer.code.in_(suspended)).values(suspended=True))
        accounts.create_user(session, kept[0], kept[1], Role.ADMIN, DEMO_NAME)


def _keep_login(home: Path, password: str) -> None:
    _login_file(home).unlink(missing_ok=True)
    descriptor = os.open(_login_file(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{EMAIL} {password}\n")


def _forget_dead_login(session: Session, home: Path) -> None:
    kept = login(home)
    if kept is not None and accounts.authenticate(session, *kept) is None:
        _login_file(home).unlink()


def _follow_catcher(session: Session, port: int) -> None:
    """MAILRUN_CATCHER_PORT may be another one than when the demo was loaded."""
    ours = (MailServer.name == SERVER, MailServer.host == "127.0.0.1", MailServer.port != port)
    session.execute(update(MailServer).where(*ours).values(port=port))


def _login_file(home: Path) -> Path:
    """Readable by the owner alone: email and password, a space between."""
    return home / "demo_login"


def _any(session: Session, rows: Select[tuple[int]]) -> bool:
    return bool(session.scalar(select(exists(rows))))
