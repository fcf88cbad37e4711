"""Alembic migrations. Run by `mailrun init`; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from webapp.store.database import Database

HERE = Path(__file__).parent


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database) -> None:
    """Brings the schema to the newest version; does nothing when it is there already."""
    command.upgrade(_config(database), "head")


def versions(database: Database) -> tuple[str | None, str | None]:
    """The schema version that the database has, and the one that this code needs."""
    with database.engine.connect() as connection:
        has = MigrationContext.configure(connection).get_current_revision()
    return has, ScriptDirectory.from_config(_config(database)).get_current_head()
