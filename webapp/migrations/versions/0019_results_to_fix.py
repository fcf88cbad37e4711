"""results that a person can fix: they are few, and one list has those of all runs"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

TO_FIX = sa.text(
    "(status IN ('failed', 'bounced', 'unconfirmed') OR (status = 'skipped' AND reason IN "
    "('no_recipient', 'no_attachment', 'suspect_document', 'no_password', 'unlockable')))"
)


def upgrade() -> None:
    columns = ["status", "reason", "id", "run_id", "customer_id"]
    op.create_index("ix_result_to_fix", "result", columns, sqlite_where=TO_FIX, postgresql_where=TO_FIX)


def downgrade() -> None:
    op.drop_index("ix_result_to_fix", "result")
