"""mailboxes that mails come back to, and what was read in them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "mailbox",
        sa.Column("id", key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=16), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("oauth_account_id", key, nullable=True),
        sa.Column("authorities", sa.Text(), nullable=False),
        sa.Column("folder", sa.String(length=1000), nullable=False),
        sa.Column("done_folder", sa.String(length=255), nullable=False),
        sa.Column("every_minutes", sa.Integer(), nullable=False),
        sa.Column("last_read_at", instant, nullable=True),
        sa.Column("next_read_at", instant, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("trouble_since", instant, nullable=True),
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("reading_until", instant, nullable=True),
        sa.CheckConstraint("kind IN ('imap', 'pop3', 'maildir')", name="kind"),
        sa.CheckConstraint("security IN ('none', 'starttls', 'tls')", name="security"),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        sa.CheckConstraint("every_minutes BETWEEN 1 AND 1440", name="every_minutes"),
        sa.ForeignKeyConstraint(
            ["oauth_account_id"], ["oauth_account.id"], name="fk_mailbox_oauth_account_id_oauth_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox"),
        sa.UniqueConstraint("name", name="uq_mailbox_name"),
    )
    op.create_index("ix_mailbox_oauth_account_id", "mailbox", ["oauth_account_id"])
    op.create_table(
        "returned_mail",
        sa.Column("id", key, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mailbox_id", key, nullable=True),
        sa.Column("read_at", instant, nullable=False),
        sa.Column("sent_from", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("server", sa.String(length=255), nullable=False),
        sa.Column("recipients", json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("matched_by", sa.String(length=16), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("result_id", key, nullable=True),
        sa.Column("attempt_number", sa.Integer(), nullable=True),
        sa.Column("guess_result_id", key, nullable=True),
        sa.Column("guess_ground", sa.String(length=16), nullable=False),
        sa.Column("guess_count", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.String(length=254), nullable=False),
        sa.Column("decided_at", instant, nullable=True),
        sa.CheckConstraint(
            "kind IN ('bounce', 'delay', 'delivered', 'auto_reply', 'reply', 'complaint', 'other')",
            name="kind",
        ),
        sa.CheckConstraint("state IN ('matched', 'unmatched', 'counted', 'dismissed')", name="state"),
        sa.CheckConstraint(
            "matched_by IN ('', 'return_address', 'envelope_id', 'person')", name="matched_by"
        ),
        sa.CheckConstraint(
            "guess_ground IN ('', 'return_address', 'message_id', 'address')", name="guess_ground"
        ),
        sa.CheckConstraint("effect IN ('', 'bounced', 'warned', 'noted')", name="effect"),
        sa.CheckConstraint("state <> 'matched' OR result_id IS NOT NULL", name="matched_has_a_result"),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_returned_mail_mailbox_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name="fk_returned_mail_result_id"),
        sa.PrimaryKeyConstraint("id", name="pk_returned_mail"),
        sa.UniqueConstraint("sha256", name="uq_returned_mail_sha256"),
    )
    op.create_index("ix_returned_mail_mailbox_id", "returned_mail", ["mailbox_id"])
    op.create_index("ix_returned_mail_result_id", "returned_mail", ["result_id"])
    op.create_index("ix_returned_mail_read_at", "returned_mail", ["read_at", "id"])
    unmatched, bounced = sa.text("state = 'unmatched'"), sa.text("effect = 'bounced'")
    op.create_index(
        "ix_returned_mail_unmatched",
        "returned_mail",
        ["id"],
        sqlite_where=unmatched,
        postgresql_where=unmatched,
    )
    op.create_index(
        "ix_returned_mail_bounced",
        "returned_mail",
        ["result_id"],
        sqlite_where=bounced,
        postgresql_where=bounced,
    )
    integer = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE sender ADD COLUMN mailbox_id {integer} "
        "CONSTRAINT fk_sender_mailbox_id REFERENCES mailbox (id)"
    )  # as a column's own: SQLite adds no other without a copy of the table, to which definitions refer
    op.create_index("ix_sender_mailbox_id", "sender", ["mailbox_id"])


def downgrade() -> None:
    op.drop_index("ix_sender_mailbox_id", "sender")
    op.drop_column("sender", "mailbox_id")
    op.drop_table("returned_mail")
    op.drop_table("mailbox")
