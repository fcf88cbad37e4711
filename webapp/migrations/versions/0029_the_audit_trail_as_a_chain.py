"""the audit trail as a chain: numbers, hashes, where a person acted from, and entries that stay as they are

Entries of before get their numbers; they are no part of the chain, which begins after them."""

import sqlalchemy as sa
from alembic import op

from webapp.migrations import audit_triggers

revision = "0029"
down_revision = "0027"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("audit_entry", sa.Column("origin", sa.String(120), server_default="", nullable=False))
    op.add_column("audit_entry", sa.Column("number", key, nullable=True))
    op.add_column("audit_entry", sa.Column("salt", sa.String(32), server_default="", nullable=False))
    op.add_column("audit_entry", sa.Column("hash", sa.String(64), server_default="", nullable=False))
    op.add_column("audit_entry", sa.Column("erased", sa.String(64), server_default="", nullable=False))
    op.execute(
        "UPDATE audit_entry SET number = counted.number FROM "
        "(SELECT id, row_number() OVER (ORDER BY id) AS number FROM audit_entry) AS counted "
        "WHERE counted.id = audit_entry.id"
    )
    op.create_index("uq_audit_entry_number", "audit_entry", ["number"], unique=True)
    op.create_table(
        "audit_chain",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", key, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("begins_after", key, nullable=False),
        sa.Column("checked_at", instant, nullable=True),
        sa.Column("checked_to", key, nullable=False),
        sa.Column("broken", key, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint("one = 1", name="ck_audit_chain_one_row"),
        sa.PrimaryKeyConstraint("one", name="pk_audit_chain"),
    )
    op.execute(
        "INSERT INTO audit_chain (one, last, hash, code, begins_after, checked_to, problem) "
        "SELECT 1, coalesce(max(number), 0), '', '', coalesce(max(number), 0), 0, '' FROM audit_entry"
    )
    op.create_table(
        "audit_key",
        sa.Column("from_number", key, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_number", name="pk_audit_key"),
    )
    op.create_table(
        "audit_stub",
        sa.Column("released_to", key, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("entries", key, nullable=False),
        sa.Column("first_at", instant, nullable=False),
        sa.Column("last_at", instant, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("released_to", name="pk_audit_stub"),
    )
    for statement in audit_triggers.statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("audit_entry_unchanging", "audit_entry_detail", "audit_entry_staying"):
            op.execute(f"DROP TRIGGER {name}")
    else:
        op.execute("DROP TRIGGER audit_entry_unchanging ON audit_entry")
        op.execute("DROP FUNCTION audit_entry_unchanging()")
    for table in ("audit_stub", "audit_key", "audit_chain"):
        op.drop_table(table)
    op.drop_index("uq_audit_entry_number", "audit_entry")
    for column in ("erased", "hash", "salt", "number", "origin"):
        op.drop_column("audit_entry", column)
