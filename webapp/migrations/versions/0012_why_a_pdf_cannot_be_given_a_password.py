"""why a PDF cannot be given a password, known before a run starts"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TABLE = "transformation_result"
INDEX = f"ix_{TABLE}_unlockable"
PROBLEMS = ("", "signed", "restricted", "encrypted", "unreadable")


def upgrade() -> None:
    listed = ", ".join(f"'{problem}'" for problem in PROBLEMS)
    op.execute(
        f"ALTER TABLE {TABLE} ADD COLUMN lock_problem VARCHAR(16) NOT NULL DEFAULT ''"
        f" CONSTRAINT ck_{TABLE}_lock_problem CHECK (lock_problem IN ({listed}))"
    )
    condition = sa.text("lock_problem <> ''")
    op.create_index(INDEX, TABLE, ["invoice_id"], sqlite_where=condition, postgresql_where=condition)
    _check_again()


def _check_again() -> None:
    """Have what has not gone out yet checked again: the check now finds more. What a person released stays
    released."""
    op.execute(
        """
        UPDATE transformation_result SET found_in = ''
        WHERE passed_by = '' AND finding <> 'altered' AND found_in <> ''
        AND (media_type IN ('application/pdf', 'text/xml') OR media_type LIKE 'application/%xml')
        AND NOT EXISTS (SELECT 1 FROM reservation WHERE reservation.invoice_id = transformation_result.invoice_id)
        """
    )


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "lock_problem")
