"""which installation a database belongs to"""

import secrets

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key_check", sa.String(length=64), nullable=True),
        sa.Column("bound_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("taken_over_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("number = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_installation")),
    )
    op.bulk_insert(installation, [{"number": 1, "id": secrets.token_hex(16)}])


def downgrade() -> None:
    op.drop_table("installation")
