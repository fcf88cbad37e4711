"""mail servers that are logged in to by OAuth 2, and their recipients a day"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "oauth_account",
        sa.Column("id", key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("way", sa.String(length=24), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("token_url", sa.String(length=1000), nullable=False),
        sa.Column("authorize_url", sa.String(length=1000), nullable=False),
        sa.Column("device_url", sa.String(length=1000), nullable=False),
        sa.Column("hosts", sa.String(length=1000), nullable=False),
        sa.Column("scope", sa.String(length=1000), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("mailbox", sa.String(length=255), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("secret_set_at", instant, nullable=True),
        sa.Column("secret_ends_on", sa.Date(), nullable=True),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("renewed_at", instant, nullable=True),
        sa.Column("expires_at", instant, nullable=True),
        sa.Column("pending", sa.Text(), nullable=False),
        sa.Column("connected_at", instant, nullable=True),
        sa.Column("connected_by", sa.String(length=254), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=False),
        sa.Column("claimed_until", instant, nullable=True),
        sa.CheckConstraint("provider IN ('microsoft', 'google', 'other')", name="provider"),
        sa.CheckConstraint("way IN ('client_credentials', 'delegated', 'service_account')", name="way"),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_account"),
        sa.UniqueConstraint("name", name="uq_oauth_account_name"),
    )
    type_of_key = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE mail_server ADD COLUMN oauth_account_id {type_of_key} "
        "CONSTRAINT fk_mail_server_oauth_account_id REFERENCES oauth_account (id)"
    )
    op.create_index("ix_mail_server_oauth_account_id", "mail_server", ["oauth_account_id"])
    op.add_column(
        "mail_server", sa.Column("recipients_per_day", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_index("ix_mail_server_oauth_account_id", "mail_server")
    op.drop_column("mail_server", "recipients_per_day")
    op.drop_column("mail_server", "oauth_account_id")
    op.drop_table("oauth_account")
