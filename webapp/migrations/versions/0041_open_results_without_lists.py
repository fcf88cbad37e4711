"""the indices of open results say what they have without IN, which costs SQLite a table at every write"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

INDICES = {
    "ix_result_to_fix": ["status", "reason", "id", "run_id", "customer_id"],
    "ix_result_to_fix_customer": ["customer_id", "status", "reason", "id", "run_id"],
}
TO_FIX = (
    "(status = 'failed' OR status = 'bounced' OR status = 'unconfirmed' OR (status = 'skipped' AND "
    "(reason = 'no_recipient' OR reason = 'no_attachment' OR reason = 'suspect_document' "
    "OR reason = 'no_password' OR reason = 'unlockable')))"
)
TO_FIX_BEFORE = (
    "(status IN ('failed', 'bounced', 'unconfirmed') OR (status = 'skipped' AND reason IN "
    "('no_recipient', 'no_attachment', 'suspect_document', 'no_password', 'unlockable')))"
)


def upgrade() -> None:
    _index_again(TO_FIX)


def downgrade() -> None:
    _index_again(TO_FIX_BEFORE)


def _index_again(condition: str) -> None:
    where = sa.text(condition)
    for name, columns in INDICES.items():
        op.drop_index(name, "result")
        op.create_index(name, "result", columns, sqlite_where=where, postgresql_where=where)
