"""imports in the browser: what was uploaded, and which columns its files have"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0026"
down_revision = "0025"

STATES = ("uploaded", "checking", "checked", "applying", "applied", "failed", "cancelled")


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key, json = webapp.store.types.Key, webapp.store.types.Json
    op.create_table(
        "import_set",
        sa.Column("id", key, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("size", key, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("files", json, nullable=False),
        sa.Column("documents", json, nullable=False),
        sa.Column("summary", json, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("removals", sa.Integer(), nullable=True),
        sa.Column("worker_id", key, nullable=True),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.String(length=254), nullable=False),
        sa.Column("files_gone_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_import_set"),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_import_set_state")),
    )
    op.create_table(
        "import_mapping",
        sa.Column("header_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("columns", json, nullable=False),
        sa.Column("fixed", json, nullable=False),
        sa.Column("saved_at", instant, nullable=False),
        sa.Column("saved_by", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("header_hash", name="pk_import_mapping"),
    )


def downgrade() -> None:
    op.drop_table("import_mapping")
    op.drop_table("import_set")
