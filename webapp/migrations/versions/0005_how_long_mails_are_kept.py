"""how long mails are kept"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "attempt", sa.Column("kept_until", webapp.store.types.Instant(timezone=True), nullable=True)
    )
    op.add_column(
        "installation", sa.Column("tidied_at", webapp.store.types.Instant(timezone=True), nullable=True)
    )
    kept = sa.text("kept IS NOT NULL")
    op.create_index(
        "ix_attempt_kept", "attempt", ["started_at", "id"], sqlite_where=kept, postgresql_where=kept
    )


def downgrade() -> None:
    op.drop_index("ix_attempt_kept", "attempt")
    op.drop_column("installation", "tidied_at")
    op.drop_column("attempt", "kept_until")
