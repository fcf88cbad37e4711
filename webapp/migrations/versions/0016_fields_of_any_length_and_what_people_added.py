"""fields of any length among what people changed; what people added is found at once"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

OF_PEOPLE = sa.text("origin <> 'source'")
TABLES = ("customer_email", "transformation_result")
TRIGRAMS = """
CREATE OR REPLACE FUNCTION trigrams(s text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT {} $$
"""
FAST = "ARRAY(SELECT substr(s, i, 3) FROM generate_series(1, length(s) - 2) i)"
BEFORE = "coalesce(array_agg(DISTINCT substr(s, i, 3)), '{}') FROM generate_series(1, length(s) - 2) i"
"""The index keeps a trigram once by itself: to sort out repeated ones took most of an import's time."""


def upgrade() -> None:
    # `documents.` and a transformation's name have up to 210 characters; metadata have names of any length.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("source_value", "field", type_=sa.Text())
        op.execute(TRIGRAMS.format(FAST))
    for table in TABLES:
        op.create_index(
            f"ix_{table}_of_people", table, ["id"], sqlite_where=OF_PEOPLE, postgresql_where=OF_PEOPLE
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_of_people", table)
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("source_value", "field", type_=sa.String(length=200))
        op.execute(TRIGRAMS.format(BEFORE))
