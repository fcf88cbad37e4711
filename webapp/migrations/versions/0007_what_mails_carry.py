"""what mails carry"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "message_definition", sa.Column("file_name", sa.String(300), nullable=False, server_default="")
    )
    suspect = sa.text("suspect")
    op.create_table(
        "document_verdict",
        sa.Column("invoice_id", webapp.store.types.Key, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("suspect", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("checked_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("passed_by", sa.String(254), nullable=False),
        sa.Column("passed_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.CheckConstraint(
            "verdict IN ('names_it', 'not_named', 'not_whole', 'unreadable')",
            name="ck_document_verdict_verdict",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name="fk_document_verdict_invoice_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("invoice_id", "sha256", name="pk_document_verdict"),
    )
    op.create_index(
        "ix_document_verdict_suspect",
        "document_verdict",
        ["invoice_id"],
        sqlite_where=suspect,
        postgresql_where=suspect,
    )


def downgrade() -> None:
    op.drop_table("document_verdict")
    op.drop_column("message_definition", "file_name")
