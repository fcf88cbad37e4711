"""a mail server's certificate may be issued by an authority of one's own, and its password be stored, sealed"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("mail_server", sa.Column("password", sa.Text(), server_default="", nullable=False))
    op.add_column("mail_server", sa.Column("authorities", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("mail_server", "authorities")
    op.drop_column("mail_server", "password")
