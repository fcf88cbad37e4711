"""what mails say"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0006"
down_revision = "0005"

TEXTS = {
    "template_text": (("subject", sa.String(1000)), ("plain", sa.Text())),
    "message_definition": (("reply_to", sa.String(254)),),
    "definition_version": (("created_by", sa.String(254)),),
}


def upgrade() -> None:
    for table, columns in TEXTS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column(
        "message_definition",
        sa.Column("retired_at", webapp.store.types.Instant(timezone=True), nullable=True),
    )
    op.create_table(
        "template_part",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "language", name="pk_template_part"),
    )
    op.create_table(
        "template_image",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("media_type", sa.String(127), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("changed_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_template_image"),
    )


def downgrade() -> None:
    for table in ("template_image", "template_part"):
        op.drop_table(table)
    op.drop_column("message_definition", "retired_at")
    for table, columns in TEXTS.items():
        for name, _ in columns:
            op.drop_column(table, name)
