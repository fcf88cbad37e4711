"""passwords of documents, sealed: which fields hold them, and with which keys they are

The values themselves are sealed batch by batch, by `mailrun init` and by every worker (webapp/sealing.py): that
needs the secret key, may take long, and may be interrupted."""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0021"
down_revision = "0020"
NAMED = """
INSERT INTO secret_field (name) SELECT password_key FROM message_definition WHERE password_key <> ''
UNION SELECT (of version) FROM definition_version WHERE coalesce((of version), '') <> ''
"""


def upgrade() -> None:
    op.create_table(
        "secret_field",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("sealed_at", webapp.store.types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret_field")),
    )
    sealed_with = sa.Column("sealed_with", webapp.store.types.Json, server_default="[]", nullable=False)
    op.add_column("installation", sealed_with)
    op.add_column("installation", sa.Column("rotated_at", webapp.store.types.Instant(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    of_version = "json_extract(content, '$.password_key')" if is_sqlite else "content ->> 'password_key'"
    op.execute(NAMED.replace("(of version)", of_version))


def downgrade() -> None:
    op.drop_column("installation", "rotated_at")
    op.drop_column("installation", "sealed_with")
    op.drop_table("secret_field")
