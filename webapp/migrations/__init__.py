"""Alembic migrations. Run by `mailrun init`; the same on SQLite and PostgreSQL.

Alembic is imported when it is used: that takes a tenth of the start of a process, and few use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from webapp.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


def _config(database: Database) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database) -> None:
    """Brings the schema to the newest version; does nothing when it is there already."""
    from alembic import command

    command.upgrade(_config(database), "head")


def versions(database: Database) -> tuple[str | None, str | None]:
    """The schema version that the database has, and the one that this code needs."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with database.engine.connect() as connection:
        has = MigrationContext.configure(connection).get_current_revision()
    return has, ScriptDirectory.from_config(_config(database)).get_current_head()
