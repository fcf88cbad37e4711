"""rates by recipient domain; since when a run's refusals are counted"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    key = webapp.store.types.Key
    op.add_column(
        "mail_server", sa.Column("domain_rate_per_minute", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("run", sa.Column("watched_from", key, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("run", "watched_from")
    op.drop_column("mail_server", "domain_rate_per_minute")
