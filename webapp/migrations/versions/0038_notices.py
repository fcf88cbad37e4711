"""notices to users, by mail and in the bell, and which of them each user wants"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0038"
down_revision = "0037"

KINDS = (
    "'run_finished', 'run_stopped', 'run_waits', 'approval_wanted', 'approval_decided', 'plan_held', "
    "'connection', 'not_mailed', 'digest'"
)
STATES = "'none', 'waiting', 'collected', 'in_digest', 'mailed', 'given_up', 'dropped'"


def partial(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "notice",
        sa.Column("id", key, nullable=False),
        sa.Column("user_id", key, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("run_id", key, nullable=True),
        sa.Column("plan_id", key, nullable=True),
        sa.Column("details", json, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("read_at", instant, nullable=True),
        sa.Column("mail", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", instant, nullable=True),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column("mailed_at", instant, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("digest_id", key, nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind"),
        sa.CheckConstraint(f"mail IN ({STATES})", name="mail"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_notice_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_notice_run_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_notice_plan_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["notice.id"], name="fk_notice_digest_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("user_id", "kind", "subject", name="uq_notice_user_id_kind_subject"),
    )
    op.create_index("ix_notice_user_id", "notice", ["user_id", "id"])
    op.create_index("ix_notice_unread", "notice", ["user_id", "id"], **partial("read_at IS NULL"))
    op.create_index("ix_notice_waiting", "notice", ["next_try_at", "id"], **partial("mail = 'waiting'"))
    op.create_index("ix_notice_collected", "notice", ["user_id"], **partial("mail = 'collected'"))
    for column in ("run_id", "plan_id", "digest_id"):
        op.create_index(f"ix_notice_{column}", "notice", [column])
    op.create_table(
        "notice_preference",
        sa.Column("user_id", key, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("of_all", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind"),
        sa.CheckConstraint("way IN ('at_once', 'digest', 'bell', 'off')", name="way"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_notice_preference_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", name="pk_notice_preference"),
    )
    op.add_column("sender", sa.Column("for_notices", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("uq_sender_for_notices", "sender", ["for_notices"], unique=True, **partial("for_notices"))
    op.add_column(
        "installation", sa.Column("notice_minutes", sa.Integer(), server_default="15", nullable=False)
    )
    op.add_column(
        "installation", sa.Column("notice_address", sa.String(200), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("installation", "notice_address")
    op.drop_column("installation", "notice_minutes")
    op.drop_index("uq_sender_for_notices", "sender")
    op.drop_column("sender", "for_notices")
    op.drop_table("notice_preference")
    op.drop_table("notice")
