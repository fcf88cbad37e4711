"""what each mail said of its invoices, and which of these were changed since

Of mails of before, the amount is known where a mail was about one invoice; which documents they carried is not."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"

MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")
ON_SQLITE, TOUCHED = sa.text("touched = 1"), sa.text("touched")


def upgrade() -> None:
    op.add_column("reservation", sa.Column("currency", sa.String(3), server_default="", nullable=False))
    op.add_column("reservation", sa.Column("gross_amount", MONEY, nullable=True))
    op.add_column("reservation", sa.Column("documents", sa.Text(), server_default="", nullable=False))
    op.add_column("invoice", sa.Column("touched", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE reservation SET gross_amount = (SELECT amount FROM result WHERE id = reservation.result_id), "
        "currency = (SELECT currency FROM invoice WHERE id = reservation.invoice_id) WHERE 1 = "
        "(SELECT count(*) FROM result_invoice WHERE result_invoice.result_id = reservation.result_id)"
    )
    op.execute(
        "UPDATE invoice SET touched = true WHERE EXISTS (SELECT 1 FROM reservation "
        "WHERE reservation.invoice_id = invoice.id "
        "AND (invoice.status <> 'approved' OR reservation.gross_amount <> invoice.gross_amount))"
    )
    columns = ["period_start", "id"]
    op.create_index(
        "ix_invoice_touched", "invoice", columns, sqlite_where=ON_SQLITE, postgresql_where=TOUCHED
    )


def downgrade() -> None:
    op.drop_index("ix_invoice_touched", "invoice")
    op.drop_column("invoice", "touched")
    for name in ("documents", "gross_amount", "currency"):
        op.drop_column("reservation", name)
