"""a message is refused apart from others when its server has taken some since: when it did so is known"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.drop_column("refused_result", "taken_before")
    op.drop_column("mail_pace", "taken_in_all")


def downgrade() -> None:
    for table, column in (("mail_pace", "taken_in_all"), ("refused_result", "taken_before")):
        op.add_column(table, sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
