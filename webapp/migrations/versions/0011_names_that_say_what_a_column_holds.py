"""names that say what a column holds"""

from alembic import op

revision = "0011"
down_revision = "0010"

RENAMED = (
    ("run", "promised", "preview_fingerprint"),
    ("run", "made_up_to", "generated_up_to"),
    ("run", "start_when_made", "start_when_created"),
    ("run", "watched_from", "refusals_counted_after"),
    ("result", "sought", "search_text"),
    ("result", "breaks", "broken_connections"),
    ("attempt", "kept", "rebuild_data"),
    ("attempt", "kept_until", "rebuild_data_deleted_at"),
)
"""(table, old name, new name). Renaming touches no row; both databases carry indexes and checks along."""


def upgrade() -> None:
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    _rename_index("ix_attempt_kept", "ix_attempt_rebuild_data", "rebuild_data")


def downgrade() -> None:
    _rename_index("ix_attempt_rebuild_data", "ix_attempt_kept", "rebuild_data")
    for table, old, new in reversed(RENAMED):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")


def _rename_index(old: str, new: str, column: str) -> None:
    """SQLite cannot rename an index: there it is created again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        return
    op.drop_index(old, "attempt")
    op.execute(f"CREATE INDEX {new} ON attempt (started_at, id) WHERE {column} IS NOT NULL")
