"""texts in the composed form"""

from contextlib import suppress
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

COLUMNS = (
    ("cluster", "tag_name"),
    ("recipient_key", "key"),
    ("customer", "code"),
    ("customer", "name"),
    ("customer_email", "display_name"),
    ("invoice", "number"),
    ("transformation", "name"),
    ("transformation_result", "file_name"),
    ("result", "sort_name"),
    ("result", "search_text"),
)
"""What imports and searches compare. From now on both are in the composed form (NFC); a customer whose code was
stored as u and dots would else be made a second time."""
BATCH = 10_000


def upgrade() -> None:
    bind = op.get_bind()
    for name, column in COLUMNS:
        table = sa.table(name, sa.column("id"), sa.column(column))
        rows = sa.select(table.c.id, table.c[column]).order_by(table.c.id).limit(BATCH)
        last = 0
        while found := bind.execute(rows.where(table.c.id > last)).all():
            last = found[-1].id
            for id, text in found:
                if not text.isascii() and (composed := normalize("NFC", text)) != text:
                    _write(bind, sa.update(table).where(table.c.id == id).values({column: composed}))


def _write(bind: sa.Connection, change: sa.Update) -> None:
    """Leave a row as it is whose composed form another row has already: only a person can say which is right."""
    with suppress(sa.exc.IntegrityError), bind.begin_nested():
        bind.execute(change)


def downgrade() -> None:
    """Both forms are texts; nothing has to be undone."""
