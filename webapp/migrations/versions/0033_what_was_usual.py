"""what was usual: the domains that were mailed before, and documents that name no amount like their invoice's

The domains of runs that have finished are filled in. What earlier checks of documents saw of amounts is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

TABLE = "transformation_result"
INDEX = f"ix_{TABLE}_unnamed_amount"
MONEY = sa.Numeric(18, 4).with_variant(sa.BigInteger(), "sqlite")
ON_SQLITE = "json_each(recipients) AS each"
ON_POSTGRESQL = "jsonb_array_elements_text(recipients) AS each(value)"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("unnamed_amount", MONEY, nullable=True))
    condition = sa.text("unnamed_amount IS NOT NULL")
    op.create_index(INDEX, TABLE, ["invoice_id"], sqlite_where=condition, postgresql_where=condition)
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "mailed_domain",
        sa.Column("domain", sa.String(254), nullable=False),
        sa.Column("customer_id", key, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name="fk_mailed_domain_customer_id_customer", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("domain", "customer_id", name="pk_mailed_domain"),
    )
    op.create_table(
        "domains_noted",
        sa.Column("run_id", key, autoincrement=False, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_domains_noted_run_id_run", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_domains_noted"),
    )
    _fill()


def _fill() -> None:
    """The domains of all runs that have finished, in one statement."""
    addresses = ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL
    op.execute(
        f"""
        INSERT INTO mailed_domain (domain, customer_id)
        SELECT DISTINCT substr(each.value, length(rtrim(each.value, replace(each.value, '@', ''))) + 1), customer_id
        FROM result JOIN run ON run.id = result.run_id CROSS JOIN {addresses}
        WHERE run.status = 'finished' AND result.status IN ('sent', 'bounced', 'unconfirmed')
        AND NOT result.redirected AND result.recipients IS NOT NULL
        """  # noqa: S608  # both written above
    )
    op.execute(
        "INSERT INTO domains_noted (run_id, finished_at) "
        "SELECT id, finished_at FROM run WHERE status = 'finished' AND finished_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("domains_noted")
    op.drop_table("mailed_domain")
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "unnamed_amount")
