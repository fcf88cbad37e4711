"""which oddities a plan allows, and which it found"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column(
        "plan", sa.Column("no_oddities", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("plan", sa.Column("oddities_allowed", json, server_default="[]", nullable=False))
    op.add_column("plan_occurrence", sa.Column("odd_kinds", json, server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("plan_occurrence", "odd_kinds")
    op.drop_column("plan", "oddities_allowed")
    op.drop_column("plan", "no_oddities")
