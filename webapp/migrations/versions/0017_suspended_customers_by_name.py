"""suspended customers by name: they are few, and the list of customers shows them alone"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_index(
        "ix_customer_suspended",
        "customer",
        ["sort_name", "id"],
        sqlite_where=sa.text("suspended IS 1"),
        postgresql_where=sa.text("suspended IS true"),
    )


def downgrade() -> None:
    op.drop_index("ix_customer_suspended", "customer")
