"""who is told of a run or of a plan's runs; addresses of customers, found without regard to case"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0040"


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for subject in ("run", "plan"):
        table = f"{subject}_subscription"
        op.create_table(
            table,
            sa.Column(f"{subject}_id", key, autoincrement=False, nullable=False),
            sa.Column("user_id", key, nullable=False),
            sa.Column("wanted", sa.Boolean(), nullable=False),
            sa.ForeignKeyConstraint(
                [f"{subject}_id"], [f"{subject}.id"], name=f"fk_{table}_{subject}_id", ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                ["user_id"], ["user_account.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint(f"{subject}_id", "user_id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
    op.create_index("ix_customer_email_lower_address", "customer_email", [sa.text("lower(address)")])


def downgrade() -> None:
    op.drop_index("ix_customer_email_lower_address", "customer_email")
    op.drop_table("plan_subscription")
    op.drop_table("run_subscription")
