"""who users are to an OpenID provider, sessions that came from there, and tries to log in"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "user_identity",
        sa.Column("id", key, nullable=False),
        sa.Column("user_id", key, nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("seen_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_user_identity_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user_identity"),
        sa.UniqueConstraint("issuer", "subject", name="uq_user_identity_issuer_subject"),
        sa.UniqueConstraint("user_id", "issuer", name="uq_user_identity_user_id_issuer"),
    )
    op.create_table(
        "signed_on_session",
        sa.Column("session_id", key, autoincrement=False, nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name="fk_signed_on_session_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_signed_on_session"),
    )
    op.create_table(
        "login_try",
        sa.Column("id", key, nullable=False),
        sa.Column("counted_for", sa.String(length=64), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_try"),
    )
    op.create_index("ix_login_try_at", "login_try", ["at"])
    op.create_index("ix_login_try_counted_for_at", "login_try", ["counted_for", "at"])
    op.add_column("user_link", sa.Column("logs_in", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("user_link", "logs_in")
    for table in ("login_try", "signed_on_session", "user_identity"):
        op.drop_table(table)
