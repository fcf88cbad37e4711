"""how a mail server is treated that throttles, refuses or is set up wrongly"""

import sqlalchemy as sa
from alembic import op

from webapp.store.types import Instant, Key

revision = "0013"
down_revision = "0012"

COLUMNS = ("ehlo_name", "refused_logins", "trouble_kind", "greylisted_as", "greylisted_until")


def upgrade() -> None:
    for name in ("ehlo_name", "refused_logins"):
        op.add_column("mail_server", sa.Column(name, sa.String(255), nullable=False, server_default=""))
    op.execute(
        "ALTER TABLE mail_server ADD COLUMN trouble_kind VARCHAR(16) DEFAULT 'passing' NOT NULL "
        "CONSTRAINT ck_mail_server_trouble_kind CHECK (trouble_kind IN ('passing', 'refusals', 'login', 'setup'))"
    )  # as a column's own: SQLite adds no other without a copy of the table, to which slots and senders refer
    op.add_column("mail_server", sa.Column("greylisted_as", sa.Text(), nullable=False, server_default=""))
    op.add_column("mail_server", sa.Column("greylisted_until", Instant()))
    op.create_table(
        "mail_pace",
        sa.Column("mail_server_id", Key, nullable=False),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=False),
        sa.Column("ceiling", sa.Double(), nullable=False),
        *(
            sa.Column(name, Instant(), nullable=False)
            for name in ("opened_at", "next_at", "grown_at", "refused_at")
        ),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("taken", "taken_in_all", "probes")),
        sa.Column("shut_at", Instant()),
        sa.Column("cycle", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_server_id"],
            ["mail_server.id"],
            name=op.f("fk_mail_pace_mail_server_id_mail_server"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mail_server_id", "domain", name=op.f("pk_mail_pace")),
    )
    op.create_table(
        "refused_result",
        sa.Column("mail_server_id", Key, nullable=False),
        sa.Column("result_id", Key, nullable=False, autoincrement=False),
        sa.Column("run_id", Key, nullable=False),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("refusal_class", sa.Text(), nullable=False),
        sa.Column("is_trial", sa.Boolean(), nullable=False),
        sa.Column("apart", sa.Integer(), nullable=False),
        sa.Column("taken_before", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_server_id"],
            ["mail_server.id"],
            name=op.f("fk_refused_result_mail_server_id_mail_server"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mail_server_id", "result_id", name=op.f("pk_refused_result")),
    )


def downgrade() -> None:
    op.drop_table("refused_result")
    op.drop_table("mail_pace")
    for name in reversed(COLUMNS):
        op.drop_column("mail_server", name)
