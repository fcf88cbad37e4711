"""invoices of a status and a period by number and by due date; what trigrams cost"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_index("ix_invoice_status_number", "invoice", ["status", "period_start", "number", "id"])
    due = sa.text("coalesce(due_date, '9999-12-31')")
    op.create_index("ix_invoice_status_due", "invoice", ["status", "period_start", due, "id"])
    if not _is_sqlite():
        # By default PostgreSQL takes a function for one addition: it made the trigrams of every text again
        # instead of looking into their index.
        op.execute("ALTER FUNCTION trigrams(text) COST 1000")


def downgrade() -> None:
    if not _is_sqlite():
        op.execute("ALTER FUNCTION trigrams(text) COST 100")
    op.drop_index("ix_invoice_status_due", "invoice")
    op.drop_index("ix_invoice_status_number", "invoice")


def _is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")
