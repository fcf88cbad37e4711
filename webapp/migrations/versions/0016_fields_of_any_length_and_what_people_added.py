"""fields of any length among what people changed; what people added is found at once"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

OF_PEOPLE = sa.text("origin <> 'source'")
TABLES = ("customer_email", "transformation_result")


def upgrade() -> None:
    # `documents.` and a transformation's name have up to 210 characters; metadata have names of any length.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("source_value", "field", type_=sa.Text())
    for table in TABLES:
        op.create_index(
            f"ix_{table}_of_people", table, ["id"], sqlite_where=OF_PEOPLE, postgresql_where=OF_PEOPLE
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_of_people", table)
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("source_value", "field", type_=sa.String(length=200))
