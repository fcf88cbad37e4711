"""plans, and each date of theirs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0036"
down_revision = "0034"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "plan",
        sa.Column("id", key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner_id", key, nullable=False),
        sa.Column("definition_id", key, nullable=False),
        sa.Column("cluster_id", key, nullable=False),
        sa.Column("include_children", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("period", sa.String(length=24), nullable=False),
        sa.Column("bcc", json, nullable=False),
        sa.Column("every", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=24), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("shift", sa.String(length=8), nullable=False),
        sa.Column("at", sa.String(length=5), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("days_added", json, nullable=False),
        sa.Column("days_struck", json, nullable=False),
        sa.Column("count_margin", sa.Integer(), nullable=True),
        sa.Column("sum_margin", sa.Integer(), nullable=True),
        sa.Column("skipped_max", sa.Integer(), nullable=True),
        sa.Column("no_suspect", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("late_hours_max", sa.Integer(), nullable=False),
        sa.Column("next_day", sa.Date(), nullable=True),
        sa.Column("next_nominal", sa.Date(), nullable=True),
        sa.Column("next_at", instant, nullable=True),
        sa.Column("paused_at", instant, nullable=True),
        sa.Column("paused_by", sa.String(length=254), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.String(length=254), nullable=False),
        sa.CheckConstraint("every IN ('month', 'quarter', 'week')", name="every"),
        sa.CheckConstraint(
            "day IN ('working_day', 'last_working_day', 'day', 'last_day', 'weekday', 'last_weekday')",
            name="day",
        ),
        sa.CheckConstraint("shift IN ('', 'before', 'after')", name="shift"),
        sa.CheckConstraint(
            "period IN ('last_month', 'this_month', 'month_before_last', 'last_quarter', 'last_week', 'last_7_days')",
            name="period",
        ),
        sa.CheckConstraint("action IN ('start', 'wait', 'create')", name="action"),
        sa.CheckConstraint("(paused_at IS NULL) = (next_at IS NOT NULL)", name="paused_or_next"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_plan_owner_id"),
        sa.ForeignKeyConstraint(["definition_id"], ["message_definition.id"], name="fk_plan_definition_id"),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name="fk_plan_cluster_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan"),
        sa.UniqueConstraint("name", name="uq_plan_name"),
    )
    for column in ("owner_id", "definition_id", "cluster_id", "next_at"):
        op.create_index(f"ix_plan_{column}", "plan", [column])
    op.create_table(
        "plan_occurrence",
        sa.Column("id", key, nullable=False),
        sa.Column("plan_id", key, nullable=True),
        sa.Column("plan_name", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("asked_by", sa.String(length=254), nullable=False),
        sa.Column("late_minutes", sa.Integer(), nullable=True),
        sa.Column("run_id", key, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("findings", json, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('creating', 'started', 'asked', 'unexpected', 'waiting', 'created', 'held', 'skipped', 'taken')",
            name="state",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name="fk_plan_occurrence_plan_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_plan_occurrence_run_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plan_occurrence"),
        sa.UniqueConstraint("plan_id", "day", name="uq_plan_occurrence_plan_id_day"),
        sa.UniqueConstraint("run_id", name="uq_plan_occurrence_run_id"),
    )
    op.create_index("ix_plan_occurrence_state", "plan_occurrence", ["state"])


def downgrade() -> None:
    op.drop_table("plan_occurrence")
    op.drop_table("plan")
