"""who is told of a run or of a plan's runs; addresses of customers, found without regard to case; mailboxes that
are ports of Mailrun's own

On SQLite a CHECK cannot be changed: the table of mailboxes is made again, and what refers to it is set aside
meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

KINDS = "'imap', 'pop3', 'maildir', 'port'"
KINDS_BEFORE = "'imap', 'pop3', 'maildir'"
OF_MAILBOXES = ("sender", "returned_mail")


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for subject in ("run", "plan"):
        table = f"{subject}_subscription"
        op.create_table(
            table,
            sa.Column(f"{subject}_id", key, autoincrement=False, nullable=False),
            sa.Column("user_id", key, nullable=False),
            sa.Column("wanted", sa.Boolean(), nullable=False),
            sa.ForeignKeyConstraint(
                [f"{subject}_id"], [f"{subject}.id"], name=f"fk_{table}_{subject}_id", ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                ["user_id"], ["user_account.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint(f"{subject}_id", "user_id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
    op.create_index("ix_customer_email_lower_address", "customer_email", [sa.text("lower(address)")])
    allow_kinds(KINDS_BEFORE, KINDS)


def allow_kinds(before: str, after: str) -> None:
    """Allow these kinds of mailboxes instead of those."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_mailbox_kind"), "mailbox")
        op.create_check_constraint(op.f("ck_mailbox_kind"), "mailbox", f"kind IN ({after})")
        return
    table = op.get_bind().scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'mailbox'"))
    head, check, rest = table.partition(f"kind IN ({before})")
    assert check
    for each in OF_MAILBOXES:  # names of our own tables
        op.execute(
            f"CREATE TEMPORARY TABLE {each}_aside AS SELECT id, mailbox_id FROM {each} WHERE mailbox_id > 0"  # noqa: S608
        )
        op.execute(f"UPDATE {each} SET mailbox_id = NULL WHERE mailbox_id > 0")  # noqa: S608
    op.execute(f"{head.replace('mailbox', 'mailbox_again', 1)}kind IN ({after}){rest}")
    op.execute("INSERT INTO mailbox_again SELECT * FROM mailbox")
    op.drop_table("mailbox")
    op.rename_table("mailbox_again", "mailbox")
    op.create_index("ix_mailbox_oauth_account_id", "mailbox", ["oauth_account_id"])
    for each in OF_MAILBOXES:
        op.execute(
            f"UPDATE {each} SET mailbox_id = a.mailbox_id FROM {each}_aside a WHERE a.id = {each}.id"  # noqa: S608
        )
        op.execute(f"DROP TABLE {each}_aside")


def downgrade() -> None:
    op.execute(
        "UPDATE sender SET mailbox_id = NULL WHERE mailbox_id IN (SELECT id FROM mailbox WHERE kind = 'port')"
    )
    op.execute("DELETE FROM mailbox WHERE kind = 'port'")
    allow_kinds(KINDS, KINDS_BEFORE)
    op.drop_index("ix_customer_email_lower_address", "customer_email")
    op.drop_table("plan_subscription")
    op.drop_table("run_subscription")
