"""what each mail said of its invoices, and which of these were changed since

Of mails of before, the amount is known where a mail was about one invoice; which documents they carried is not.
What messaging.toml says is remembered, too, where an administrator changed it."""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0024"
down_revision = "0023"

MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")
SUBJECTS = ("cluster", "customer", "invoice")
OF_SETTINGS = ("mail_server", "sender", "recipient_key", "transformation")
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

    allow_subjects((*SUBJECTS, *OF_SETTINGS))


def allow_subjects(subjects: tuple[str, ...]) -> None:
    """SQLite cannot change a constraint: the table, which has few rows, is made again."""
    check = sa.CheckConstraint(f"subject IN {subjects}", name=op.f("ck_source_value_subject"))
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_source_value_subject"), "source_value")
        op.create_check_constraint(op.f("ck_source_value_subject"), "source_value", f"subject IN {subjects}")
        return
    op.create_table(
        "source_value_again",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("subject_id", webapp.store.types.Key, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", webapp.store.types.Json, nullable=True),
        sa.PrimaryKeyConstraint("subject", "subject_id", "field", name=op.f("pk_source_value")),
        check,
    )
    op.execute("INSERT INTO source_value_again SELECT subject, subject_id, field, value FROM source_value")
    op.drop_table("source_value")
    op.rename_table("source_value_again", "source_value")


def downgrade() -> None:
    op.execute(f"DELETE FROM source_value WHERE subject NOT IN {SUBJECTS}")  # noqa: S608
    allow_subjects(SUBJECTS)
    op.drop_index("ix_invoice_touched", "invoice")
    op.drop_column("invoice", "touched")
    for name in ("documents", "gross_amount", "currency"):
        op.drop_column("reservation", name)
