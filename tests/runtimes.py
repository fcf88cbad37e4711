"""Parts of the program, opened without the pages."""

from __future__ import annotations

from flask import Flask

from webapp import create_app
from webapp.config import Settings
from webapp.extensions import Runtime, runtime_of
from webapp.store.database import Database
from webapp.store.db import db


def open_runtime(settings: Settings) -> Runtime:
    """What workers and commands have: an application without pages."""
    return runtime_of(create_app(settings, pages=False))


def open_database(url: str) -> Database:
    """A database alone, as an application of its own has it."""
    return db.open(Flask("test"), url)
