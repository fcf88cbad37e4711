"""invoices as lists sort and filter them: each order and each common filter has an index with the id at its
end"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"

INDICES = {
    "ix_invoice_by_period": ["period_start", "id"],
    "ix_invoice_status": ["status", "period_start", "id"],
    "ix_invoice_amount": ["gross_amount", "id"],
    "ix_invoice_currency": ["currency", "gross_amount", "id"],
    "ix_invoice_due": [sa.text("coalesce(due_date, '9999-12-31')"), "id"],
}


def upgrade() -> None:
    for name, columns in INDICES.items():
        op.create_index(name, "invoice", columns)


def downgrade() -> None:
    for name in reversed(INDICES):
        op.drop_index(name, "invoice")
