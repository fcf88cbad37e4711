"""when a run starts by itself, and after when it sends nothing"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    for name in ("start_at", "send_until"):
        op.add_column("run", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("send_until", "start_at"):
        op.drop_column("run", name)
