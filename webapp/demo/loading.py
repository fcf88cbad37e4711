"""Loads the demo company, once, and keeps the way in: a login with a password of this installation's own."""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import date
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.demo import company, folder
from webapp.extensions import Runtime
from webapp.store.customers import Customer
from webapp.store.mailservers import MailServer
from webapp.store.people import User
from webapp.store.statuses import Role
from webapp.users import accounts

EMAIL = "demo@noordlicht.example"
NAME = "Marit Hoving"
SERVER = "Mail catcher"


def login_file(home: Path) -> Path:
    """Where the demo login is kept, readable by the owner alone: email and password, a space between."""
    return home / "demo_login"
