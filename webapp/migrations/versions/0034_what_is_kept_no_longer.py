"""what is kept no longer: of runs, invoices and customers"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

COLUMNS = (
    ("installation", "cleared_at"),
    ("run", "attempts_cleared_at"),
    ("run", "addresses_cleared_at"),
    ("invoice", "documents_deleted_at"),
    ("customer", "erased_at"),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "erased_document",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_erased_document"),
    )


def downgrade() -> None:
    op.drop_table("erased_document")
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
