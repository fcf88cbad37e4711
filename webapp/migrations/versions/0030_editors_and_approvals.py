"""editors, the right to approve, and runs that wait for a second person

On SQLite a CHECK cannot be changed: the table of users is made again. Dropping it empties the tables that
belong to it, so their rows are set aside meanwhile."""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0030"
down_revision = "0029"

ROLES = "'admin', 'manager', 'editor', 'viewer'"
ROLES_BEFORE = "'admin', 'manager', 'viewer'"
OF_USERS = ("user_cluster", "user_session", "user_link")


def upgrade() -> None:
    allow_roles(ROLES_BEFORE, ROLES)
    key = webapp.store.types.Key
    no = sa.false()
    op.add_column("user_account", sa.Column("may_approve", sa.Boolean(), server_default=no, nullable=False))
    op.add_column("run", sa.Column("awaits_approval", sa.Boolean(), server_default=no, nullable=False))
    op.add_column(
        "message_definition", sa.Column("needs_approval", sa.Boolean(), server_default=no, nullable=False)
    )
    op.add_column("installation", sa.Column("approval_mails", sa.Integer(), nullable=True))
    op.add_column("installation", sa.Column("approval_amount", webapp.store.types.Money, nullable=True))
    op.create_table(
        "run_approval",
        sa.Column("id", key, nullable=False),
        sa.Column("run_id", key, nullable=False),
        sa.Column("requested_by", sa.String(254), nullable=False),
        sa.Column("requested_at", webapp.store.types.Instant, nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("sums", webapp.store.types.Json, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(254), nullable=False),
        sa.Column("decided_at", webapp.store.types.Instant, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('waiting', 'approved', 'rejected', 'withdrawn', 'void')",
            name="ck_run_approval_decision",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_approval_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run_approval"),
    )
    op.create_index("ix_run_approval_run_id", "run_approval", ["run_id"])
    waiting = sa.text("decision = 'waiting'")
    op.create_index(
        "uq_run_approval_open",
        "run_approval",
        ["run_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "approved_result",
        sa.Column("approval_id", key, autoincrement=False, nullable=False),
        sa.Column("result_id", key, autoincrement=False, nullable=False),
        sa.Column("message_number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["run_approval.id"], name="fk_approved_result_approval_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("approval_id", "result_id", name="pk_approved_result"),
    )


def allow_roles(before: str, after: str) -> None:
    """Allow these roles instead of those."""
    name = "ck_user_account_role"
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "user_account")
        op.create_check_constraint(op.f(name), "user_account", f"role IN ({after})")
        return
    table = op.get_bind().scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'user_account'"))
    head, check, rest = table.partition(f"role IN ({before})")
    assert check
    op.execute(f"{head.replace('user_account', 'user_account_again', 1)}role IN ({after}){rest}")
    op.execute("INSERT INTO user_account_again SELECT * FROM user_account")
    for child in OF_USERS:
        op.execute(f"CREATE TEMPORARY TABLE {child}_aside AS SELECT * FROM {child}")  # noqa: S608  # names of our own tables
    op.drop_table("user_account")
    op.rename_table("user_account_again", "user_account")
    for child in OF_USERS:
        op.execute(f"INSERT INTO {child} SELECT * FROM {child}_aside")  # noqa: S608  # names of our own tables
        op.execute(f"DROP TABLE {child}_aside")


def downgrade() -> None:
    op.drop_table("approved_result")
    op.drop_table("run_approval")
    for table, column in (
        ("installation", "approval_amount"),
        ("installation", "approval_mails"),
        ("message_definition", "needs_approval"),
        ("run", "awaits_approval"),
        ("user_account", "may_approve"),
    ):
        op.drop_column(table, column)
    op.execute("UPDATE user_account SET role = 'viewer' WHERE role = 'editor'")
    allow_roles(ROLES, ROLES_BEFORE)
