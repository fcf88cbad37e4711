"""no keys of results that PostgreSQL looks up row by row, and no index that nothing asks for"""

from alembic import op

revision = "0010"
down_revision = "0009"

KEYS = (
    ("result", "fk_result_run_id", ["run_id"], "run", ["id"]),
    ("result", "fk_result_version_id", ["version_id"], "definition_version", ["id"]),
    ("result", "fk_result_worker_id", ["worker_id"], "worker", ["id"]),
    (
        "result_invoice",
        "fk_result_invoice_run_id_result_id",
        ["run_id", "result_id"],
        "result",
        ["run_id", "id"],
    ),
    ("result_invoice", "fk_result_invoice_invoice_id", ["invoice_id"], "invoice", ["id"]),
)
"""(table, name, columns, table that it leads to, columns there). SQLite keeps them: there they cost nothing."""
LEADS = "uq_result_run_id_lead_invoice_id"


def upgrade() -> None:
    op.drop_index("ix_result_invoice_invoice_id", "result_invoice")
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, name, *_ in KEYS:
        op.drop_constraint(name, table, type_="foreignkey")
    op.drop_constraint(LEADS, "result", type_="unique")


def downgrade() -> None:
    op.create_index("ix_result_invoice_invoice_id", "result_invoice", ["invoice_id"])
    if op.get_bind().dialect.name == "sqlite":
        return
    op.create_unique_constraint(LEADS, "result", ["run_id", "lead_invoice_id"])
    for table, name, columns, other, others in KEYS:
        op.create_foreign_key(name, table, other, columns, others)
