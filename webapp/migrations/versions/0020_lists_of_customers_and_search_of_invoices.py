"""under which recipient keys a customer has an address; invoices are found by their numbers, in blocks, and by
their customers' words"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

FILL_KEYS = """
UPDATE customer SET address_keys = coalesce((
  SELECT ',' || {join}(CAST(k.id AS VARCHAR), ',') || ',' FROM (
    SELECT DISTINCT e.recipient_key_id AS id FROM customer_email e WHERE e.customer_id = customer.id
    ORDER BY e.recipient_key_id) k), '')
"""
FILL_INVOICES = """
INSERT INTO invoice_search (rowid, text)
SELECT min(i.id), searchable({join}(i.number, ' ')) FROM invoice i GROUP BY i.id / 64
"""
FILL_INVOICES_BEFORE = """
INSERT INTO invoice_search (rowid, text) SELECT i.id, searchable(i.number || ' ' || c.code || ' ' || c.name)
FROM invoice i JOIN customer c ON c.id = i.customer_id
"""


def upgrade() -> None:
    join = "group_concat" if _is_sqlite() else "string_agg"
    op.add_column("customer", sa.Column("address_keys", sa.Text(), server_default="", nullable=False))
    op.execute(FILL_KEYS.format(join=join))
    op.create_index("ix_customer_address_keys", "customer", ["address_keys", "sort_name", "id"])
    _fill_search(FILL_INVOICES.format(join=join))


def downgrade() -> None:
    _fill_search(FILL_INVOICES_BEFORE)
    op.drop_index("ix_customer_address_keys", "customer")
    op.drop_column("customer", "address_keys")


def _fill_search(statement: str) -> None:
    op.drop_table("invoice_search")
    if _is_sqlite():
        op.execute(
            "CREATE VIRTUAL TABLE invoice_search USING fts5(text, tokenize='trigram', detail='none', columnsize=0)"
        )
    else:
        op.execute("CREATE TABLE invoice_search (rowid BIGINT PRIMARY KEY, text TEXT NOT NULL)")
    op.execute(statement)
    if not _is_sqlite():
        op.execute("CREATE INDEX ix_invoice_search_text ON invoice_search USING gin (trigrams(text))")


def _is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")
