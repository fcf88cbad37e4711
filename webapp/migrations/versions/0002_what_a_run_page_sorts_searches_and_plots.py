"""what a run's page sorts, searches and plots; archived runs"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0002"
down_revision = "0001"

FILL = """
UPDATE result SET
  sort_name = (SELECT {fold}(c.name) FROM customer c WHERE c.id = result.customer_id),
  amount = (SELECT sum(i.gross_amount) FROM invoice i JOIN result_invoice ri ON ri.invoice_id = i.id
            WHERE ri.result_id = result.id),
  sought = {fold}(
    coalesce((SELECT {join}(e.address, ' ') FROM customer_email e, run r, definition_version v
              WHERE e.customer_id = result.customer_id AND r.id = result.run_id
                AND v.id = coalesce(result.version_id, r.version_id)
                AND e.recipient_key_id = {key}), '') || ' ' ||
    coalesce((SELECT {join}(i.number, ' ') FROM invoice i JOIN result_invoice ri ON ri.invoice_id = i.id
              WHERE ri.result_id = result.id), '') || ' ' ||
    (SELECT c.code || ' ' || c.name FROM customer c WHERE c.id = result.customer_id))
"""
WORDS = {
    "sqlite": {
        "fold": "fold",
        "join": "group_concat",
        "key": "json_extract(v.content, '$.recipient_key_id')",
    },
    "postgresql": {
        "fold": "lower",
        "join": "string_agg",
        "key": "(v.content ->> 'recipient_key_id')::bigint",
    },
}

COUNT = """
INSERT INTO sent_count (run_id, worker_id, slot, n)
SELECT run_id, 0, {slot}, count(*) FROM result WHERE sent_at IS NOT NULL GROUP BY 1, 3
"""
SLOT = {
    "sqlite": "CAST(strftime('%s', sent_at) AS integer) / 10",
    "postgresql": "floor(extract(epoch FROM sent_at) / 10)::bigint",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.add_column("run", sa.Column("archived_at", webapp.store.types.Instant(timezone=True), nullable=True))
    op.add_column("result", sa.Column("sort_name", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "result",
        sa.Column(
            "amount", webapp.store.types.Money(precision=18, scale=4), server_default="0", nullable=False
        ),
    )
    op.add_column("result", sa.Column("sought", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "sent_count",
        sa.Column("run_id", webapp.store.types.Key, nullable=False),
        sa.Column("worker_id", webapp.store.types.Key, autoincrement=False, nullable=False),
        sa.Column("slot", webapp.store.types.Key, autoincrement=False, nullable=False),
        sa.Column("n", webapp.store.types.Key, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_sent_count_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "worker_id", "slot", name=op.f("pk_sent_count")),
    )
    op.create_index("ix_sent_count_slot", "sent_count", ["slot"])
    op.create_index("ix_reservation_invoice_id", "reservation", ["invoice_id", "definition_id"])
    op.create_index(op.f("ix_audit_entry_subject"), "audit_entry", ["subject"])
    for statement in (FILL.format(**WORDS[dialect]), COUNT.format(slot=SLOT[dialect])):
        op.execute(sa.text(statement.replace("::", r"\:\:")))
    op.create_index("ix_result_run_name", "result", ["run_id", "sort_name", "id"])


def downgrade() -> None:
    op.drop_index("ix_result_run_name", "result")
    op.drop_index(op.f("ix_audit_entry_subject"), "audit_entry")
    op.drop_index("ix_reservation_invoice_id", "reservation")
    op.drop_table("sent_count")
    for column in ("sought", "amount", "sort_name"):
        op.drop_column("result", column)
    op.drop_column("run", "archived_at")
