"""no foreign key that another implies: each costs as much as all of a result's indices on PostgreSQL"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

IMPLIED = (
    ("result", "fk_result_customer_id", "customer_id", "customer"),
    ("result", "fk_result_lead_invoice_id", "lead_invoice_id", "invoice"),
    ("result_invoice", "fk_result_invoice_run_id", "run_id", "run"),
    ("result_invoice", "fk_result_invoice_result_id", "result_id", "result"),
)
"""(table, name, column, table that it leads to). The last two become one key."""
OF_ITS_RUN = "fk_result_invoice_run_id_result_id"


def upgrade() -> None:
    op.drop_index("ix_result_lead_invoice_id", "result")
    op.drop_index("ix_result_run_id", "result")
    op.create_index("ix_result_run_id", "result", ["run_id", "id"], unique=True)
    for table, name, _, _ in IMPLIED:
        _drop_key(table, name)
    _add_key("result_invoice", OF_ITS_RUN, ["run_id", "result_id"], "result", ["run_id", "id"])
    _look_anew()


def downgrade() -> None:
    _drop_key("result_invoice", OF_ITS_RUN)
    for table, name, column, other in IMPLIED:
        _add_key(table, name, [column], other, ["id"])
    _look_anew()
    op.drop_index("ix_result_run_id", "result")
    op.create_index("ix_result_run_id", "result", ["run_id", "id"])
    op.create_index("ix_result_lead_invoice_id", "result", ["lead_invoice_id"])


def _drop_key(table: str, name: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite(table, rf",\s*CONSTRAINT {name} FOREIGN KEY\([^)]*\) REFERENCES \w+ \([^)]*\)", "")
    else:
        op.drop_constraint(name, table, type_="foreignkey")


def _add_key(table: str, name: str, columns: list[str], other: str, others: list[str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        words = f"FOREIGN KEY({', '.join(columns)}) REFERENCES {other} ({', '.join(others)})"
        _rewrite(table, r"\s*\)$", f", \n\tCONSTRAINT {name} {words}\n)")
    else:
        op.create_foreign_key(name, table, other, columns, others)


def _rewrite(table: str, old: str, new: str) -> None:
    """SQLite cannot alter a table's keys, and copying all results of years would take long. Keys change
    nothing in what is stored, so only the table's own words are changed, in the way that SQLite documents
    (lang_altertable.html, "Making Other Kinds Of Table Schema Changes")."""
    bind = op.get_bind()
    tables = sa.table("sqlite_master", sa.column("type"), sa.column("name"), sa.column("sql"))
    this = (tables.c.type == "table", tables.c.name == table)
    words = bind.scalars(sa.select(tables.c.sql).where(*this)).one()
    changed, times = re.subn(old, new, words)
    if times != 1:
        raise RuntimeError(f"the table {table} is not as it was made: {old} is in it {times} times")
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    bind.execute(sa.update(tables).where(*this).values(sql=changed))
    bind.exec_driver_sql("PRAGMA writable_schema=OFF")


def _look_anew() -> None:
    """Has this connection and every other one read SQLite's tables anew, and looks whether the keys hold."""
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        return
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.exec_driver_sql("PRAGMA writable_schema=ON")
    bind.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema=RESET")
    for table in ("result", "result_invoice"):
        if broken := bind.execute(sa.text(f"PRAGMA foreign_key_check({table})")).first():
            raise RuntimeError(f"{table}: a row leads to nothing: {broken}")
