"""what mails carry"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "message_definition", sa.Column("file_name", sa.String(300), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("message_definition", "file_name")
