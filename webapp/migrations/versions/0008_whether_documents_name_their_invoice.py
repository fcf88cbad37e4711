"""whether documents name their invoice"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0008"
down_revision = "0007"

FINDINGS = ("unchecked", "fine", "not_named", "other_customer", "no_text", "unreadable", "altered")
TABLE = "transformation_result"


def upgrade() -> None:
    listed = ", ".join(f"'{finding}'" for finding in FINDINGS)
    op.execute(  # with its CHECK at once: SQLite could add that later only by writing the table anew
        f"ALTER TABLE {TABLE} ADD COLUMN finding VARCHAR(16) NOT NULL DEFAULT 'unchecked'"
        f" CONSTRAINT ck_{TABLE}_finding CHECK (finding IN ({listed}))"
    )
    for name, kind in (
        ("found_in", sa.String(64)),
        ("finding_words", sa.Text()),
        ("passed_by", sa.String(254)),
    ):
        op.add_column(TABLE, sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column(TABLE, sa.Column("suspect", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("checked_at", "passed_at"):
        op.add_column(TABLE, sa.Column(name, webapp.store.types.Instant(timezone=True), nullable=True))
    _index("suspect", sqlite="suspect = 1", postgresql="suspect")
    _index("unchecked", sqlite="found_in <> sha256", postgresql="found_in <> sha256")


def _index(name: str, sqlite: str, postgresql: str) -> None:
    op.create_index(
        f"ix_{TABLE}_{name}",
        TABLE,
        ["invoice_id"],
        sqlite_where=sa.text(sqlite),
        postgresql_where=sa.text(postgresql),
    )


def downgrade() -> None:
    for name in ("suspect", "unchecked"):
        op.drop_index(f"ix_{TABLE}_{name}", TABLE)
    added = ("passed_at", "passed_by", "checked_at", "suspect", "finding_words", "finding", "found_in")
    for name in added:
        op.drop_column(TABLE, name)
