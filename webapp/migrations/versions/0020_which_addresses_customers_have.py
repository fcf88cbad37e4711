"""under which recipient keys a customer has an address: the list of customers shows those without one"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

FILL = """
UPDATE customer SET address_keys = coalesce((
  SELECT ',' || {join}(CAST(k.id AS VARCHAR), ',') || ',' FROM (
    SELECT DISTINCT e.recipient_key_id AS id FROM customer_email e WHERE e.customer_id = customer.id
    ORDER BY e.recipient_key_id) k), '')
"""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("customer", sa.Column("address_keys", sa.Text(), server_default="", nullable=False))
    op.execute(FILL.format(join="group_concat" if is_sqlite else "string_agg"))
    op.create_index("ix_customer_address_keys", "customer", ["address_keys", "sort_name", "id"])


def downgrade() -> None:
    op.drop_index("ix_customer_address_keys", "customer")
    op.drop_column("customer", "address_keys")
