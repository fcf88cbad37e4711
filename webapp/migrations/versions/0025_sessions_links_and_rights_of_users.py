"""sessions that can be listed and ended one by one, one-time links, the right to send, how people read"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for column in (
        sa.Column("may_send", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("shortcuts", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("language", sa.String(length=8), server_default="en", nullable=False),
        sa.Column("time_zone", sa.String(length=64), server_default="", nullable=False),
        sa.Column("date_style", sa.String(length=16), server_default="words", nullable=False),
        sa.Column("number_style", sa.String(length=16), server_default="comma", nullable=False),
        sa.Column("seen_at", instant),
    ):
        op.add_column("user_account", column)
    op.execute("UPDATE user_account SET may_send = (role <> 'viewer')")
    op.add_column("installation", sa.Column("runs_removed_to", key, server_default="0", nullable=False))
    op.create_table(
        "user_session",
        sa.Column("id", key, nullable=False),
        sa.Column("user_id", key, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("device", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_user_session_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user_session"),
        sa.UniqueConstraint("key_hash", name="uq_user_session_key_hash"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"])
    op.create_table(
        "user_link",
        sa.Column("user_id", key, autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_user_link_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_link"),
        sa.UniqueConstraint("token_hash", name="uq_user_link_token_hash"),
    )


def downgrade() -> None:
    op.drop_table("user_link")
    op.drop_table("user_session")
    op.drop_column("installation", "runs_removed_to")
    for column in ("seen_at", "number_style", "date_style", "time_zone", "language", "shortcuts", "may_send"):
        op.drop_column("user_account", column)
